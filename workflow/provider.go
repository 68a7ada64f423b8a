package workflow

import (
	"context"
	"sync"
	"time"
)

// Provider is what the provider's programs and operators do apart from a procedure: the
// calls of API clients, their webhooks and hand-offs, the suspension of identity
// providers, mails that are tried again.
type Provider struct {
	Store    Store
	Keys     Keys
	Now      func() time.Time
	Observer Observer

	leases sync.Map // leases of API calls: *lease by client
}

// Store is the database. Package store implements it; the interface is here because
// store imports this package. Its parts are described in the files that need them.
type Store interface {
	Clients
	Mailboxes
	HandOffs
	SuspensionStore
	Mails
	Announcements
	Webhooks

	// Spend counts a use of a limit outside any step. It returns a LimitError if
	// nothing is left.
	Spend(ctx context.Context, s Spend) error
}
