package workflow

import (
	"context"
	"time"
)

// Standing is the summary of a mailbox that a webmail may see.
type Standing struct {
	Mailbox int64
	Address string
	Status  Status
	State   State // of the qualification in force; empty without one. The schema guarantees the star if qualified
	Since   time.Time
	Level   string // level of the login
}

// PublicState is the public state of a mailbox's qualification, in the words of the API.
type PublicState string

// The public states.
const (
	OutwardNone        PublicState = "none"
	OutwardInProgress  PublicState = "in_progress"
	OutwardInvited     PublicState = "invited"
	OutwardUnderReview PublicState = "under_review"
	OutwardRejected    PublicState = "rejected"
	OutwardQualified   PublicState = "qualified"
	OutwardRevoked     PublicState = "revoked"
	OutwardNotEligible PublicState = "not_eligible"
)

// Show is what a webmail shows next to a mailbox's name.
type Show string

// The values of Show.
const (
	ShowBanner  Show = "banner"
	ShowStar    Show = "star"
	ShowNothing Show = "none"
)

// publicState returns the public state for the state of the qualification in force; "" is
// the state of a mailbox without one.
func (s State) publicState() PublicState {
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

// publicState returns the public state of a mailbox, and what a webmail shows next to
// its name.
func publicState(active bool, s State) (PublicState, Show) {
	switch o := s.publicState(); {
	case !active:
		return OutwardNotEligible, ShowNothing
	case o == OutwardUnderReview: // there is nothing for the user to do
		return o, ShowNothing
	case o == OutwardQualified:
		return o, ShowStar
	default:
		return o, ShowBanner
	}
}

// PublicState returns the public state of the mailbox, and what a webmail shows next to its
// name.
func (s *Standing) PublicState() (PublicState, Show) { return publicState(s.Status == Active, s.State) }

// Standing returns the summary of a mailbox to the client with this token. If a scope
// of the client allows it, it also returns the record. It returns ErrUnauthorized for
// an invalid token, and ErrUnknown for a mailbox outside the client's domains.
func (p *Procedure) Standing(ctx context.Context, token, address string) (*Standing, *Record, error) {
	address, _ = parseMailbox(address) // "" on error: then only the token is checked
	asked, err := p.Store.Standing(ctx, Digest(token), address, p.Now())
	if err != nil {
		return nil, nil, err
	}
	if err := p.observeLimit(p.admitCall(ctx, asked.Client)); err != nil {
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
	return &r.Standing, &r.Mailbox.Record, nil // read together, so that they are consistent
}

// Standings returns the summaries of many mailboxes, by address as the client wrote it.
// Unknown mailboxes are left out.
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
