package store

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// History is a qualification as an operator or an auditor reads it: the log,
// and all that it refers to.
type History struct {
	Case         *workflow.Case // its qualification is the one told of; nil where there was none
	Steps        []workflow.Step
	Records      []workflow.Record // of the mailbox, whatever the qualification
	Declarations []workflow.Declaration
	Invitations  []workflow.Invitation
	Identities   []workflow.Identity
	Decisions    []workflow.Decision
	Mails        []workflow.SentMail
	Others       []int64 // the case numbers of the mailbox's other qualifications
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

// History reads a qualification of a mailbox: the one with this case number,
// or for zero the one in force.
func (s *Store) History(ctx context.Context, mailbox, number int64) (*History, error) {
	h := &History{}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, snapshot, func(tx pgx.Tx) (err error) {
		if h.Case, err = readCase(ctx, tx, mailbox); err != nil {
			return err
		}
		if number != 0 {
			if h.Case.Qualification, err = readQualification(ctx, tx, `q.mailbox_id = $1 and q.number = $2`, mailbox, number); err != nil {
				return fmt.Errorf("reading a qualification: %w", err)
			}
		}
		if h.Case.Qualification == nil {
			return nil
		}
		return h.read(ctx, tx, h.Case.Qualification.ID, mailbox)
	})
	return h, err
}

// read reads the log, and the rows that it refers to.
func (h *History) read(ctx context.Context, tx pgx.Tx, q uuid.UUID, mailbox int64) (err error) {
	if h.Steps, err = readSteps(ctx, tx, q); err != nil {
		return fmt.Errorf("reading the log: %w", err)
	}
	if h.Records, err = readAll(ctx, tx, `select id from records where mailbox_id = $1 order by imported_at, id`, mailbox, readRecord); err != nil {
		return fmt.Errorf("reading the records: %w", err)
	}
	if h.Declarations, err = readAll(ctx, tx, `select id from declarations where qualification_id = $1 order by declared_at, id`, q, readDeclaration); err != nil {
		return fmt.Errorf("reading the declarations: %w", err)
	}
	if h.Invitations, err = readAll(ctx, tx, `select id from invitations where qualification_id = $1 order by sent_at, id`, q, readInvitation); err != nil {
		return fmt.Errorf("reading the invitations: %w", err)
	}
	if h.Identities, err = readAll(ctx, tx, `select id from identities where qualification_id = $1 order by identified_at, id`, q, readIdentity); err != nil {
		return fmt.Errorf("reading the identities: %w", err)
	}
	if h.Decisions, err = readDecisions(ctx, tx, q); err != nil {
		return fmt.Errorf("reading the decisions: %w", err)
	}
	if h.Mails, err = readMails(ctx, tx, q); err != nil {
		return fmt.Errorf("reading the mails: %w", err)
	}
	rows, err := tx.Query(ctx, `select number from qualifications where mailbox_id = $1 and id <> $2 order by number`, mailbox, q)
	if err != nil {
		return fmt.Errorf("reading the other cases: %w", err)
	}
	h.Others, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	return err
}

// readAll reads the rows whose ids a query lists, one by one: a history has a
// handful of each.
func readAll[T any](ctx context.Context, tx pgx.Tx, ids string, of any, read func(context.Context, pgx.Tx, uuid.UUID) (*T, error)) ([]T, error) {
	rows, err := tx.Query(ctx, ids, of)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, err
	}
	all := make([]T, 0, len(list))
	for _, id := range list {
		row, err := read(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, *row)
	}
	return all, nil
}

func readRecord(ctx context.Context, tx pgx.Tx, id uuid.UUID) (*workflow.Record, error) {
	var r workflow.Record
	err := tx.QueryRow(ctx, `
		select id, kind, name, fiscal_code, vat_number, representatives, email, status, imported_by, imported_at
		from records where id = $1`, id).Scan(
		&r.ID, &r.Kind, &r.Name, &r.FiscalCode, &r.VATNumber, &r.Representatives, &r.Email, &r.Status, &r.ImportedBy, &r.ImportedAt)
	return &r, err
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
