package workflow

import "context"

// Mailboxes is the part of Store that lists mailboxes.
type Mailboxes interface {
	// RegisteredAs returns one mailbox. Registered lists those that match a filter, by
	// domain and then in order of creation. Neither returns deleted mailboxes.
	RegisteredAs(ctx context.Context, address string) (*Registered, error)
	Registered(ctx context.Context, f RegisterFilter) ([]Registered, error)
}

// Registered is a mailbox on record, and its summary for webmails.
type Registered struct {
	Mailbox  Mailbox
	Standing Standing
}

// RegisterFilter selects the mailboxes of a list.
type RegisterFilter struct {
	Domains  []string
	After    int64 // the last mailbox of the previous page; 0 for the first page
	Limit    int
	Statuses []Status // empty matches any
	States   []string // of the qualification in force, "" for a mailbox without one; empty matches any
}

// RecordOf returns a mailbox of the client's domains.
func (p *Provider) RecordOf(ctx context.Context, client Client, address string) (*Registered, error) {
	address, err := client.ParseMailbox(address)
	if err != nil {
		return nil, err
	}
	return p.Store.RegisteredAs(ctx, address)
}

// Registered lists mailboxes of the client's domains.
func (p *Provider) Registered(ctx context.Context, client Client, f RegisterFilter) ([]Registered, error) {
	f.Domains = client.Domains
	return p.Store.Registered(ctx, f)
}
