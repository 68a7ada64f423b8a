package store

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// History is a qualification as an operator or an auditor reads it.
type History struct {
	Case      *workflow.Case
	Steps     []workflow.Step
	Decisions []workflow.Decision
	Mails     []SentMail
}

// SentMail is a mail of a qualification, with what became of it.
type SentMail struct {
	Kind        workflow.MailKind
	To          string
	RequestedAt time.Time
	Attempts    int
	Outcome     string // "accepted", "refused", "dropped" or "waiting"
	Reply       string
}

// AddressOf finds the mailbox of a qualification, by its case number.
func (s *Store) AddressOf(ctx context.Context, number int64) (string, error) {
	var address string
	err := s.pool.QueryRow(ctx, `
		select m.address from qualifications q join mailboxes m on m.id = q.mailbox_id where q.number = $1`, number).Scan(&address)
	if err != nil {
		return "", fmt.Errorf("case %d: %w", number, found(err))
	}
	return address, nil
}

// History reads the newest qualification of a mailbox, its log, what operators
// decided and its mails.
func (s *Store) History(ctx context.Context, mailbox int64) (*History, error) {
	h := &History{}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, snapshot, func(tx pgx.Tx) (err error) {
		if h.Case, err = readCase(ctx, tx, mailbox); err != nil || h.Case.Qualification == nil {
			return err
		}
		if h.Steps, err = readSteps(ctx, tx, h.Case.Qualification.ID); err != nil {
			return fmt.Errorf("reading the log: %w", err)
		}
		if h.Decisions, err = readDecisions(ctx, tx, h.Case.Qualification.ID); err != nil {
			return fmt.Errorf("reading the decisions: %w", err)
		}
		h.Mails, err = readMails(ctx, tx, h.Case.Qualification.ID)
		return err
	})
	return h, err
}

func readSteps(ctx context.Context, tx pgx.Tx, qualification uuid.UUID) ([]workflow.Step, error) {
	rows, err := tx.Query(ctx, `
		select qualification_id, version, event, coalesce(from_state, ''), to_state, at, actor, client, actor_name, address, request, refs
		from steps where qualification_id = $1 order by version`, qualification)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (workflow.Step, error) {
		var s workflow.Step
		var address *netip.Addr
		err := row.Scan(&s.Qualification, &s.Version, &s.Event, &s.From, &s.To, &s.At,
			&s.Actor.Kind, &s.Actor.Client, &s.Actor.Name, &address, &s.Actor.Request, &s.Refs)
		if address != nil {
			s.Actor.Address = *address
		}
		return s, err
	})
}

func readDecisions(ctx context.Context, tx pgx.Tx, qualification uuid.UUID) ([]workflow.Decision, error) {
	rows, err := tx.Query(ctx, `
		select id, qualification_id, operator, event, reason, decided_at
		from decisions where qualification_id = $1 order by decided_at, id`, qualification)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (workflow.Decision, error) {
		var d workflow.Decision
		err := row.Scan(&d.ID, &d.Qualification, &d.Operator, &d.Event, &d.Reason, &d.DecidedAt)
		return d, err
	})
}

func readMails(ctx context.Context, tx pgx.Tx, qualification uuid.UUID) ([]SentMail, error) {
	rows, err := tx.Query(ctx, `
		select kind, recipient, requested_at, attempts, reply,
		       case when accepted_at is not null then 'accepted'
		            when refused_at is not null then 'refused'
		            when dropped_at is not null then 'dropped'
		            else 'waiting' end
		from mails where qualification_id = $1 order by requested_at, id`, qualification)
	if err != nil {
		return nil, fmt.Errorf("reading the mails: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (SentMail, error) {
		var m SentMail
		err := row.Scan(&m.Kind, &m.To, &m.RequestedAt, &m.Attempts, &m.Reply, &m.Outcome)
		return m, err
	})
}
