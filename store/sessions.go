package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
	"stella/workflow/qualification"
)

// The cookie of a session contains an opaque secret. The table contains only its
// digest, so that a stolen row cannot be used as a session. The column content
// contains the visitor as a JSON string, because the previous version of the
// program reads and writes it in this form.

// sessionColumns are the columns of scanSession, from a session s. A session
// handed over by a disabled client has ended, even if it was opened while the
// client was being disabled.
const sessionColumns = `
	s.digest, s.content ->> 'visitor', s.opened_at, s.expires_at, s.draft,
	case when s.ended = '' and ` + ofDisabledClient + ` then 'client_disabled' else s.ended end`

const ofDisabledClient = `exists (select from clients c where c.name = s.client and c.disabled_at is not null)`

func scanSession(row pgx.CollectableRow) (s workflow.Session, err error) {
	var visitor string
	if err := row.Scan(&s.ID, &visitor, &s.OpenedAt, &s.ExpiresAt, &s.Draft, &s.Ended); err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(visitor), &s.Visitor)
}

// OpenSession writes a new session.
func (s *Store) OpenSession(ctx context.Context, o workflow.Session) error {
	b := &batch{}
	err := openSession(b, o)
	if err == nil {
		err = s.pool.SendBatch(ctx, &b.Batch).Close()
	}
	if err != nil {
		return fmt.Errorf("writing a session: %w", err)
	}
	return nil
}

func openSession(b *batch, o workflow.Session) error {
	visitor, err := json.Marshal(o.Visitor)
	if err != nil {
		return err
	}
	b.Queue(`
		insert into sessions (digest, content, opened_at, expires_at)
		values ($1, jsonb_build_object('visitor', $2::text), $3, $4)
		on conflict (digest) do nothing`, o.ID, string(visitor), o.OpenedAt, o.ExpiresAt)
	return nil
}

// Session returns a session, active or ended. It returns workflow.ErrUnknown if
// there is none.
func (s *Store) Session(ctx context.Context, id []byte, now time.Time) (workflow.Session, error) {
	o, err := one(ctx, s, scanSession, `select `+sessionColumns+` from sessions s where s.digest = $1`, id)
	if err != nil {
		return o, fmt.Errorf("reading a session: %w", err)
	}
	if o.Ended == "" {
		o.Ended = o.EndAt(now)
	}
	return o, nil
}

// UseSession returns a session, and extends it if it is active and would end within
// workflow.SessionIdle. So it writes at most once in workflow.SessionTouch; otherwise it
// needs one round trip and no write.
func (s *Store) UseSession(ctx context.Context, id []byte, now time.Time) (workflow.Session, error) {
	o, err := s.Session(ctx, id, now)
	if err != nil {
		return o, err
	}
	return s.extend(ctx, o, now)
}

func (s *Store) extend(ctx context.Context, o workflow.Session, now time.Time) (workflow.Session, error) {
	if !endsSoon(o, now) {
		return o, nil
	}
	extended, err := one(ctx, s, scanSession, extend+`returning `+sessionColumns, extendArgs(o, now)...)
	if errors.Is(err, workflow.ErrUnknown) {
		return s.Session(ctx, o.ID, now)
	}
	if err != nil {
		return o, fmt.Errorf("using a session: %w", err)
	}
	return extended, nil
}

// endsSoon reports whether a session is active and must be extended.
func endsSoon(o workflow.Session, now time.Time) bool {
	return o.Ended == "" && o.ExpiresAt.Before(now.Add(workflow.SessionIdle)) && o.ExpiresAt.Before(o.OpenedAt.Add(workflow.SessionLife))
}

const extend = `
	update sessions s set expires_at = least($3::timestamptz, $4)
	where s.digest = $1 and s.ended = '' and s.expires_at > $2 and not ` + ofDisabledClient + `
	`

func extendArgs(o workflow.Session, now time.Time) []any {
	return []any{o.ID, now, now.Add(workflow.SessionIdle + workflow.SessionTouch), o.OpenedAt.Add(workflow.SessionLife)}
}

// sessionCase reads a session with the case of its mailbox.
var sessionCase = `select ` + sessionColumns + `, ` + caseColumns + `
	from sessions s join mailboxes m on m.id = s.mailbox_id` + caseJoins(`q.id = m.current_id`) + ` where s.digest = $1`

// sessionWithCase is a row of sessionCase.
type sessionWithCase struct {
	workflow.Session
	c qualification.Case
}

func scanSessionCase(row pgx.CollectableRow) (o sessionWithCase, err error) {
	p := partsOf(row)
	if o.Session, err = scanSession(p); err == nil {
		err = scanCasePart(p, &o.c)
	}
	return o, err
}

// Visit returns a session with the case of its mailbox, in one round trip. If use is set,
// it extends the session as UseSession does.
func (s *Store) Visit(ctx context.Context, id []byte, now time.Time, use bool) (workflow.Session, *qualification.Case, error) {
	o, err := one(ctx, s, scanSessionCase, sessionCase, id)
	if err != nil {
		return o.Session, nil, fmt.Errorf("reading a session with its case: %w", err)
	}
	o.end(now)
	if use {
		o.Session, err = s.extend(ctx, o.Session, now)
	}
	return o.Session, &o.c, err
}

// end sets why an active session has ended by now, if it has.
func (o *sessionWithCase) end(now time.Time) {
	if o.Ended == "" {
		o.Ended = o.EndAt(now)
	}
}

// UpdateInSession is Update for the mailbox of a visitor's session, which it reads in the
// same round trip. step also gets the session; it is the zero value, and the case is nil,
// if the session is unknown.
func (s *Store) UpdateInSession(ctx context.Context, v workflow.Visitor, now time.Time,
	step func(workflow.Session, *qualification.Case) error) error {
	var o *sessionWithCase
	read := &batch{}
	read.Queue(`begin isolation level read committed`)
	read.Queue(`select from mailboxes where id = (select mailbox_id from sessions where digest = $1) for update`, v.Session)
	readOne(read, &o, scanSessionCase, sessionCase, v.Session)
	return s.inTransaction(ctx, read, func() (*batch, error) {
		if o == nil {
			return nil, step(workflow.Session{}, nil)
		}
		o.end(now)
		was := savedParts(&o.c)
		if err := step(o.Session, &o.c); err != nil || len(o.c.Added) == 0 {
			return nil, err
		}
		write, err := s.writeCase(was, &o.c)
		if err != nil {
			return nil, err
		}
		if endsSoon(o.Session, now) {
			write.Queue(extend, extendArgs(o.Session, now)...)
		}
		if o.Draft != nil && slices.Contains(v.Replaces, o.Draft.Form) {
			write.Queue(`update sessions set draft = null where digest = $1`, o.ID)
		}
		return write, nil
	})
}

// EndSession ends a session if it is active. It deletes the draft in any case.
func (s *Store) EndSession(ctx context.Context, id []byte, why workflow.SessionEnd, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
		update sessions set draft = null,
			ended = case when ended = '' and expires_at > $3 then $2 else ended end,
			expires_at = least(expires_at, $3)
		where digest = $1`, id, why, now)
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

// KeepDraft writes the draft of a session that has ended, and the reason and time
// of the end, so that these do not depend on the clock of a later reader.
func (s *Store) KeepDraft(ctx context.Context, id []byte, d workflow.Draft, why workflow.SessionEnd, now time.Time) error {
	_, err := s.pool.Exec(ctx, `update sessions set draft = $2, ended = $3, expires_at = $4 where digest = $1`, id, d, why, now)
	if err != nil {
		return fmt.Errorf("keeping a draft: %w", err)
	}
	return nil
}

// SetDraft writes the draft of an active session; nil deletes it.
func (s *Store) SetDraft(ctx context.Context, id []byte, d *workflow.Draft) error {
	if _, err := s.pool.Exec(ctx, `update sessions set draft = $2 where digest = $1`, id, d); err != nil {
		return fmt.Errorf("writing a draft: %w", err)
	}
	return nil
}

// SessionFilter selects the sessions that match all fields that are set.
type SessionFilter struct {
	ID      string // a ListedSession.ID
	Mailbox int64
	Client  string
}

// activeSessions is the SQL condition for active sessions that match a filter.
const activeSessions = `
	s.ended = '' and s.expires_at > $1 and ($2 = '' or left(encode(s.digest, 'hex'), 16) = $2)
	and ($3 = 0 or s.mailbox_id = $3) and ($4 = '' or s.client = $4)`

// ListedSession is a session in a list. Its ID is the beginning of the digest of
// its cookie, so the ID cannot be used to enter the session.
type ListedSession struct {
	ID      string
	Mailbox string
	workflow.Session
}

// LastingSessions lists the active sessions, newest first.
func (s *Store) LastingSessions(ctx context.Context, f SessionFilter, now time.Time) ([]ListedSession, error) {
	all, err := list(ctx, s, func(row pgx.CollectableRow) (l ListedSession, err error) {
		var visitor string
		if err := row.Scan(&l.ID, &l.Mailbox, &visitor, &l.OpenedAt, &l.ExpiresAt); err != nil {
			return l, err
		}
		return l, json.Unmarshal([]byte(visitor), &l.Visitor)
	}, `
		select left(encode(s.digest, 'hex'), 16), m.address, s.content ->> 'visitor', s.opened_at, s.expires_at
		from sessions s join mailboxes m on m.id = s.mailbox_id
		where `+activeSessions+` and not `+ofDisabledClient+`
		order by s.opened_at desc`, now, f.ID, f.Mailbox, f.Client)
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	return all, nil
}

// EndSessions ends the active sessions that match a filter, and returns how many.
func (s *Store) EndSessions(ctx context.Context, f SessionFilter, why workflow.SessionEnd, now time.Time) (int, error) {
	done, err := s.pool.Exec(ctx, `
		update sessions s set ended = $5, expires_at = $1, draft = null
		where `+activeSessions, now, f.ID, f.Mailbox, f.Client, why)
	if err != nil {
		return 0, fmt.Errorf("ending sessions: %w", err)
	}
	return int(done.RowsAffected()), nil
}
