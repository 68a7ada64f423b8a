package workflow

import "context"

// Mailboxes is the part of Store that lists mailboxes.
type Mailboxes interface {
	// RegisteredMailbox returns one mailbox. RegisteredMailboxes lists those that match a filter, by
	// domain and then in order of creation. Neither returns deleted mailboxes.
	RegisteredMailbox(ctx context.Context, address string) (*RegisteredMailbox, error)
	RegisteredMailboxes(ctx context.Context, f RegisterFilter) ([]RegisteredMailbox, error)
}

// RegisteredMailbox is a mailbox on record, and its summary for webmails.
type RegisteredMailbox struct {
	Mailbox Mailbox
	Summary Summary
}

// RegisterFilter selects the mailboxes of a list.
type RegisterFilter struct {
	Domains  []string
	After    int64 // the last mailbox of the previous page; 0 for the first page
	Limit    int
	Statuses []Status // empty matches any
	States   []string // of the qualification in force, "" for a mailbox without one; empty matches any
}

// Mailbox returns a mailbox of the client's domains.
func (p *Provider) Mailbox(ctx context.Context, client Client, address string) (*RegisteredMailbox, error) {
	address, err := client.ParseMailbox(address)
	if err != nil {
		return nil, err
	}
	return p.Store.RegisteredMailbox(ctx, address)
}

// Mailboxes lists mailboxes of the client's domains.
func (p *Provider) Mailboxes(ctx context.Context, client Client, f RegisterFilter) ([]RegisteredMailbox, error) {
	f.Domains = client.Domains
	return p.Store.RegisteredMailboxes(ctx, f)
}
