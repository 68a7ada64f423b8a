package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"stella/workflow"
)

// LoginByID returns the login with a request ID. It returns workflow.ErrUnknown if
// there is none.
func (s *Store) LoginByID(ctx context.Context, id string) (workflow.Login, error) {
	l, err := one(ctx, s, scanLogin, `select `+loginColumns+` from logins l where l.id = $1`, id)
	if err != nil {
		return l, fmt.Errorf("reading a login: %w", err)
	}
	return l, nil
}

const loginColumns = `
	l.id, l.qualification_id, l.provider, l.provider_name, l.relay_state, l.level, l.comparison, l.session, l.started_at,
	l.failure, l.handle, l.answer`

func scanLogin(row pgx.CollectableRow) (l workflow.Login, err error) {
	var qualification uuid.NullUUID // null for a test login
	var handle, answer []byte
	err = row.Scan(&l.ID, &qualification, &l.Provider, &l.ProviderName, &l.RelayState, &l.Level, &l.Comparison, &l.Session, &l.StartedAt,
		&l.Failure, &handle, &answer)
	l.Subject = qualification.UUID
	if err != nil || answer == nil {
		return l, err
	}
	l.Answer = &workflow.Answer{Handle: handle}
	if err := json.Unmarshal(answer, l.Answer); err != nil {
		return l, fmt.Errorf("reading a parked answer: %w", err)
	}
	return l, nil
}

func writeLogin(b *batch, l workflow.Login) {
	qualification, session := &l.Subject, l.Session
	if l.IsTest() { // it has no browser session
		qualification, session = nil, []byte{}
	}
	b.Queue(`
		insert into logins (id, qualification_id, trial, provider, provider_name, relay_state, level, comparison, session, started_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		l.ID, qualification, l.IsTest(), l.Provider, l.ProviderName, l.RelayState, l.Level, l.Comparison, session, l.StartedAt)
}

// AddTestLogin writes a test login, which belongs to no mailbox, and archives its request.
func (s *Store) AddTestLogin(ctx context.Context, l workflow.Login, m workflow.Message) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		b := &batch{}
		writeLogin(b, l)
		if err := s.writeMessage(b, m); err != nil {
			return err
		}
		return send(ctx, tx, b)
	})
	if err != nil {
		return fmt.Errorf("writing a trial: %w", err)
	}
	return nil
}

// LoginIdentified reports whether a login led to an identity.
func (s *Store) LoginIdentified(ctx context.Context, id string) (found bool, err error) {
	err = s.pool.QueryRow(ctx, `
		select exists (
			select from logins l
			join identities i on i.qualification_id = l.qualification_id and i.login_id = l.id
			where l.id = $1)`, id).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("looking for the identity of a login: %w", err)
	}
	return found, nil
}

// ClaimAnswer stores the response to a login until the browser fetches it, and
// archives its message. The response to a test login, which has no handle, is
// archived only. It returns workflow.ErrUnknown if the request was already
// answered, by any instance, or if the assertion was already used.
func (s *Store) ClaimAnswer(ctx context.Context, login string, a workflow.Answer, m workflow.Message) error {
	trial := a.Handle == nil
	var assertion *string
	var parked *workflow.Answer
	if !trial {
		parked = &a
	}
	if a.Assertion != nil {
		assertion = &a.Assertion.AssertionID
	}
	encrypted, err := s.encrypt(m.Body)
	if err != nil {
		return fmt.Errorf("encrypting an answer: %w", err)
	}
	var claimed bool
	b := &batch{}
	b.Queue(`begin isolation level read committed`)
	// Lock the mailbox as a step does. A step that is running has read the login without
	// its response, and would delete the response.
	b.Queue(`
		select from mailboxes m
		join qualifications q on q.mailbox_id = m.id
		join logins l on l.qualification_id = q.id
		where l.id = $1 for update of m`, login)
	b.Queue(`
		with claimed as (
			update logins set answered_at = $2, assertion_id = $3, handle = $4, answer = $5
			where id = $1 and trial = $6 and answered_at is null
			returning id)
		insert into messages (id, login_id, direction, sha256, sealed, at)
		select $7, id, $8, $9, $10, $11 from claimed`,
		login, a.ReceivedAt, assertion, a.Handle, parked, trial,
		m.ID, m.Direction, m.SHA256(), encrypted, m.ReceivedAt).Exec(func(done pgconn.CommandTag) error {
		claimed = done.RowsAffected() > 0
		return nil
	})
	err = s.inTransaction(ctx, b, func() (*batch, error) {
		if !claimed {
			return nil, workflow.ErrUnknown
		}
		return &batch{}, nil
	})
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "23505" { // unique_violation: the assertion was already used
		return workflow.ErrUnknown
	}
	if err != nil {
		return fmt.Errorf("parking an answer: %w", err)
	}
	return nil
}

// DiscardAnswers deletes the stored response with this handle, and all stored
// responses to logins of this session.
func (s *Store) DiscardAnswers(ctx context.Context, handle, session []byte) error {
	_, err := s.pool.Exec(ctx, `
		update logins set answer = null, handle = null
		where answer is not null and (handle = $1 or session = $2)`, handle, session)
	if err != nil {
		return fmt.Errorf("discarding answers: %w", err)
	}
	return nil
}
