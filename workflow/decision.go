package workflow

import (
	"time"

	"github.com/google/uuid"
)

// Decision is a decision of an operator, with its reason or the document it is based
// on.
type Decision struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Operator      string
	Event         string // what was decided
	Reason        string
	DecidedAt     time.Time
}
