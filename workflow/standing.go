package workflow

import (
	"context"
	"time"
)

// Standing is what a webmail may know of a mailbox.
type Standing struct {
	Mailbox int64
	Address string
	Status  Status
	State   State // of the qualification in force; empty without one. A qualified one has its star, by the schema
	Since   time.Time
	Level   string // of the identity
}

// Outward is where the qualification of a mailbox stands, in the words that
// webmails and their programs are told.
type Outward string

// What is told.
const (
	OutwardNone        Outward = "none"
	OutwardInProgress  Outward = "in_progress"
	OutwardInvited     Outward = "invited"
	OutwardUnderReview Outward = "under_review"
	OutwardRejected    Outward = "rejected"
	OutwardQualified   Outward = "qualified"
	OutwardRevoked     Outward = "revoked"
	OutwardNotEligible Outward = "not_eligible"
)

// Show is what a webmail shows beside a mailbox's name.
type Show string

// What is shown.
const (
	ShowBanner  Show = "banner"
	ShowStar    Show = "star"
	ShowNothing Show = "none"
)

// outward is what is told of a qualification in force; "" is that of a mailbox
// that has none.
func (s State) outward() Outward {
	switch s {
	case "", Expired:
		return OutwardNone
	case Invited:
		return OutwardInvited
	case UnderReview:
		return OutwardUnderReview
	case Rejected:
		return OutwardRejected
	case Qualified:
		return OutwardQualified
	case Revoked:
		return OutwardRevoked
	}
	return OutwardInProgress
}

// outward is what is told of a mailbox, and what to show beside its name.
func outward(active bool, s State) (Outward, Show) {
	switch o := s.outward(); {
	case !active:
		return OutwardNotEligible, ShowNothing
	case o == OutwardUnderReview: // there is nothing to do for the user
		return o, ShowNothing
	case o == OutwardQualified:
		return o, ShowStar
	default:
		return o, ShowBanner
	}
}

// Outward is what is told of the mailbox, and what to show beside its name.
func (s *Standing) Outward() (Outward, Show) { return outward(s.Status == Active, s.State) }

// Standing answers a client that asks for a mailbox; with its record, where one
// of the client's scopes lets it read those. A mailbox that is not of its domains
// is unknown to it.
func (p *Procedure) Standing(ctx context.Context, token, address string) (*Standing, *Record, error) {
	address, _ = parseMailbox(address) // "" for what is none, and nobody's: only the token is looked at
	asked, err := p.Store.Standing(ctx, Digest(token), address, p.Now())
	if err != nil {
		return nil, nil, err
	}
	if err := p.observed(p.admitCall(ctx, asked.Client)); err != nil {
		return nil, nil, err
	}
	if asked.Standing == nil {
		return nil, nil, ErrUnknown
	}
	if asked.Webmail {
		return asked.Standing, nil, nil
	}
	client, err := p.Store.ClientByToken(ctx, Digest(token), p.Now())
	if err != nil || !client.May(ScopeRegistry, ScopeOperator, ScopeAuditor) {
		return asked.Standing, nil, err
	}
	r, err := p.RecordOf(ctx, client, address)
	if err != nil {
		return nil, nil, err
	}
	return &r.Standing, &r.Mailbox.Record, nil // both as of one moment
}

// Standings answers a client that asks for many mailboxes, by address as it
// wrote them; those that are unknown to it are left out.
func (p *Procedure) Standings(ctx context.Context, client Client, addresses []string) (map[string]*Standing, error) {
	kept := make([]string, 0, len(addresses))
	written := make(map[string]string, len(addresses))
	for _, a := range addresses {
		if address, err := client.parse(a); err == nil {
			kept, written[a] = append(kept, address), address
		}
	}
	found, err := p.Store.StandingsOf(ctx, kept)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*Standing, len(found))
	for a, address := range written {
		if s := found[address]; s != nil {
			all[a] = s
		}
	}
	return all, nil
}
