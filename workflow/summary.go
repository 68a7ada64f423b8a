package workflow

import (
	"context"
	"time"

	"stella/workflow/contact"
)

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

// Summary is the summary of a mailbox that a webmail may see.
type Summary struct {
	Mailbox int64
	Address string
	Status  Status
	State   PublicState // of the qualification in force, whatever the status. The schema guarantees the star if qualified
	Since   time.Time
	Level   string // level of the login
}

// PublicState is the public state of a mailbox's qualification, in the words of the API.
type PublicState string

// The public states.
const (
	PublicNone        PublicState = "none"
	PublicInProgress  PublicState = "in_progress"
	PublicInvited     PublicState = "invited"
	PublicUnderReview PublicState = "under_review"
	PublicRejected    PublicState = "rejected"
	PublicQualified   PublicState = "qualified"
	PublicRevoked     PublicState = "revoked"
	PublicNotEligible PublicState = "not_eligible"
)

// Show is what a webmail shows next to a mailbox's name.
type Show string

// The values of Show.
const (
	ShowBanner  Show = "banner"
	ShowStar    Show = "star"
	ShowNothing Show = "none"
)

// shown returns what a webmail sees of a mailbox, given the state of its qualification
// in force.
func shown(active bool, s PublicState) (PublicState, Show) {
	switch {
	case !active:
		return PublicNotEligible, ShowNothing
	case s == PublicUnderReview: // there is nothing for the user to do
		return s, ShowNothing
	case s == PublicQualified:
		return s, ShowStar
	default:
		return s, ShowBanner
	}
}

// PublicState returns the public state of the mailbox, and what a webmail shows next to its
// name.
func (s *Summary) PublicState() (PublicState, Show) { return shown(s.Status == Active, s.State) }

// Summary returns the summary of a mailbox to the client with this token. If a scope
// of the client allows it, it also returns the record. It returns ErrUnauthorized for
// an invalid token, and ErrUnknown for a mailbox outside the client's domains.
func (p *Provider) Summary(ctx context.Context, token, address string) (*Summary, *Record, error) {
	address, _ = contact.ParseMailbox(address) // "" on error: then only the token is checked
	asked, err := p.Store.AskedBy(ctx, Digest(token), address, p.Now())
	if err != nil {
		return nil, nil, err
	}
	if err := p.Observer.ObserveLimit(p.admitCall(ctx, asked.Client)); err != nil {
		return nil, nil, err
	}
	if asked.Summary == nil {
		return nil, nil, ErrUnknown
	}
	if asked.Webmail {
		return asked.Summary, nil, nil
	}
	client, err := p.Store.ClientByToken(ctx, Digest(token), p.Now())
	if err != nil || !client.May(ScopeRegistry, ScopeOperator, ScopeAuditor) {
		return asked.Summary, nil, err
	}
	r, err := p.Mailbox(ctx, client, address)
	if err != nil {
		return nil, nil, err
	}
	return &r.Summary, &r.Mailbox.Record, nil // read together, so that they are consistent
}

// Summaries returns the summaries of many mailboxes, by address as the client wrote it.
// Unknown mailboxes are left out.
func (p *Provider) Summaries(ctx context.Context, client Client, addresses []string) (map[string]*Summary, error) {
	kept := make([]string, 0, len(addresses))
	written := make(map[string]string, len(addresses))
	for _, a := range addresses {
		if address, err := client.ParseMailbox(a); err == nil {
			kept, written[a] = append(kept, address), address
		}
	}
	found, err := p.Store.SummariesOf(ctx, kept)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*Summary, len(found))
	for a, address := range written {
		if s := found[address]; s != nil {
			all[a] = s
		}
	}
	return all, nil
}
