package workflow

import (
	"errors"

	"github.com/google/uuid"
)

// ErrUnknown is returned for something that does not exist or that the caller may not
// know about.
var ErrUnknown = errors.New("unknown")

// ErrNotEligible is returned for a mailbox that is not active.
var ErrNotEligible = errors.New("the mailbox is not active")

// NewID returns a time-ordered ID (UUID version 7).
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
