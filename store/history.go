package store

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"stella/workflow"
	"stella/workflow/qualification"
)

// AddressOf returns the address of the mailbox of a qualification, given its case
// number. It returns workflow.ErrUnknown if there is none.
func (s *Store) AddressOf(ctx context.Context, number int64) (string, error) {
	var address string
	err := s.pool.QueryRow(ctx, `
		select m.address from qualifications q join mailboxes m on m.id = q.mailbox_id where q.number = $1`, number).Scan(&address)
	if err != nil {
		return "", fmt.Errorf("case %d: %w", number, noRowsToUnknown(err))
	}
	return address, nil
}

// History reads a qualification of a mailbox with its log: the one with this case
// number, or the current one if number is zero.
func (s *Store) History(ctx context.Context, mailbox, number int64) (*qualification.History, error) {
	h := &qualification.History{}
	b := &batch{}
	b.BeginTx(snapshot)
	if number == 0 {
		readOne(b, &h.Case, scanCase, currentCase, mailbox)
	} else {
		readOne(b, &h.Case, scanCase, numberedCase, mailbox, number)
	}
	err := s.transact(ctx, b, func(tx pgx.Tx) error {
		if h.Case == nil {
			return workflow.ErrUnknown
		}
		if h.Case.Qualification == nil {
			return nil
		}
		b := &batch{}
		readHistory(b, h, h.Case.Qualification.ID, mailbox)
		return send(ctx, tx, b)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the history of a mailbox: %w", err)
	}
	return h, nil
}

// readHistory reads the log of a qualification and the rows that the log refers to.
func readHistory(b *batch, h *qualification.History, q uuid.UUID, mailbox int64) {
	readAll(b, &h.Steps, scanStep, `
		select qualification_id, version, event, coalesce(from_state, ''), to_state, at, actor, client, actor_name, address, request, refs
		from steps where qualification_id = $1 order by version`, q)
	readAll(b, &h.Records, scanRecord, `
		select `+recordColumns+`
		from records r where r.mailbox_id = $1 order by r.imported_at, r.id`, mailbox)
	readAll(b, &h.Declarations, scanDeclaration, `
		select `+declarationColumns+`
		from declarations d where d.qualification_id = $1 order by d.declared_at, d.id`, q)
	readAll(b, &h.Invitations, scanInvitation, `
		select `+invitationColumns+`
		from invitations i where i.qualification_id = $1 order by i.sent_at, i.id`, q)
	readAll(b, &h.Identities, scanIdentity, `
		select `+identityColumns+`
		from identities e where e.qualification_id = $1 order by e.identified_at, e.id`, q)
	readAll(b, &h.Decisions, scanDecision, `
		select id, qualification_id, operator, event, reason, decided_at
		from decisions where qualification_id = $1 order by decided_at, id`, q)
	readAll(b, &h.Mails, scanSentMail, sentMail+`where m.qualification_id = $1 order by m.requested_at, m.id`, q)
	readAll(b, &h.Others, pgx.RowTo[int64], `
		select number from qualifications where mailbox_id = $1 and id <> $2 order by number`, mailbox, q)
}

func scanStep(row pgx.CollectableRow) (s qualification.Step, err error) {
	var address *netip.Addr
	err = row.Scan(&s.Qualification, &s.Version, &s.Event, &s.From, &s.To, &s.At,
		&s.Actor.Kind, &s.Actor.Client, &s.Actor.Name, &address, &s.Actor.Request, &s.Refs)
	if address != nil {
		s.Actor.Address = *address
	}
	return s, err
}

func scanRecord(row pgx.CollectableRow) (r workflow.Record, err error) {
	err = row.Scan(recordInto(&r)...)
	return r, err
}

func scanDecision(row pgx.CollectableRow) (d workflow.Decision, err error) {
	err = row.Scan(&d.ID, &d.Qualification, &d.Operator, &d.Event, &d.Reason, &d.DecidedAt)
	return d, err
}
