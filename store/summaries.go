package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
	"stella/workflow/qualification"
)

// AskedBy reads a client and the status of a mailbox in one query, because
// webmails call it at every login of their users. A client that still uses its
// previous token during a rotation needs a second query. It returns
// workflow.ErrUnauthorized if the token is not valid. Asked.Summary is nil if the
// mailbox is unknown, deleted, or of another client's domain.
func (s *Store) AskedBy(ctx context.Context, token []byte, address string, now time.Time) (workflow.Asked, error) {
	asked, err := s.askedBy(ctx, address, `c.token = $2`, token)
	if errors.Is(err, pgx.ErrNoRows) {
		asked, err = s.askedBy(ctx, address, `c.former_token = $2 and c.former_until > $3`, token, now)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return asked, workflow.ErrUnauthorized
	}
	if err != nil {
		return asked, fmt.Errorf("reading the summary of a mailbox: %w", err)
	}
	return asked, nil
}

// askedBy scans into plain types, which pgx handles fastest.
func (s *Store) askedBy(ctx context.Context, address, client string, token ...any) (asked workflow.Asked, err error) {
	found := workflow.Summary{Address: address}
	var status, state string
	err = s.pool.QueryRow(ctx, `
		select c.id, c.scopes = '{webmail}', coalesce(m.id, 0), coalesce(m.status, ''), `+standing+`
		from clients c
		left join mailboxes m on m.address = $1 and m.domain = any(c.domains) and m.deleted_at is null
		left join qualifications q on q.id = m.current_id
		left join identities e on e.id = q.identity_id
		where `+client+` and c.disabled_at is null`, append([]any{address}, token...)...).
		Scan(&asked.Client, &asked.Webmail, &found.Mailbox, &status, &state, &found.Since, &found.Level)
	if err == nil && found.Mailbox != 0 {
		found.Status, found.State = workflow.Status(status), qualification.State(state).Public()
		asked.Summary = &found
	}
	return asked, err
}

// SummaryOf reads the status of a mailbox. It returns nil if the address is unknown.
func (s *Store) SummaryOf(ctx context.Context, address string) (*workflow.Summary, error) {
	all, err := s.SummariesOf(ctx, []string{address})
	return all[address], err
}

// SummariesOf reads the status of several mailboxes, by address. The map does not
// contain unknown addresses.
func (s *Store) SummariesOf(ctx context.Context, addresses []string) (map[string]*workflow.Summary, error) {
	all := make(map[string]*workflow.Summary, len(addresses))
	rows, err := s.pool.Query(ctx, `
		select m.address, m.id, m.status, `+standing+`
		from mailboxes m
		left join qualifications q on q.id = m.current_id
		left join identities e on e.id = q.identity_id
		where m.address = any($1) and m.deleted_at is null`, addresses)
	if err != nil {
		return nil, fmt.Errorf("reading the summaries of mailboxes: %w", err)
	}
	var found workflow.Summary
	var state qualification.State
	columns := []any{&found.Address, &found.Mailbox, &found.Status, &state, &found.Since, &found.Level}
	_, err = pgx.ForEachRow(rows, columns, func() error {
		summary := found
		summary.State = state.Public()
		all[found.Address] = &summary
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the summaries of mailboxes: %w", err)
	}
	return all, nil
}
