package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// refusedPerLogin bounds what a stranger who learned a request's id can make
// us archive.
const refusedPerLogin = 5

// seal encrypts a message to the auditor, whose key the service does not hold.
func (s *Store) seal(body []byte) ([]byte, error) {
	if s.recipient == nil {
		return nil, errors.New("no recipient for the archive")
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, s.recipient)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return sealed.Bytes(), nil
}

// KeepMessage archives a message that no step writes; a few for each login.
func (s *Store) KeepMessage(ctx context.Context, m workflow.Message) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// One at a time for a login: the count below sees what the others kept.
		if _, err := tx.Exec(ctx, `select from logins where id = $1 for update`, m.Login); err != nil {
			return err
		}
		var kept int
		err := tx.QueryRow(ctx, `
			select count(*) from messages where login_id = $1 and direction = 'response'`, m.Login).Scan(&kept)
		if err != nil || kept >= refusedPerLogin {
			return err
		}
		b := &batch{}
		if err := s.writeMessage(b, m); err != nil {
			return err
		}
		return s.send(ctx, tx, b)
	})
}

// Archived is a message of the archive, opened.
type Archived struct {
	workflow.Message
	Logged bool // the log has its digest: a step was decided on it
	Trial  bool // of a tester's login: no step ever is
}

// OpenArchive reads the messages of a login with the auditor's key.
func (s *Store) OpenArchive(ctx context.Context, login string, key age.Identity) ([]Archived, error) {
	rows, err := s.pool.Query(ctx, `
		select m.id, m.login_id, m.direction, m.at, m.sha256, m.sealed,
		       exists (select from steps s join logins l on l.qualification_id = s.qualification_id
		               where l.id = m.login_id and m.sha256 in (s.refs ->> 'request_sha256', s.refs ->> 'response_sha256')),
		       l.trial
		from messages m join logins l on l.id = m.login_id where m.login_id = $1 order by m.at, m.id`, login)
	if err != nil {
		return nil, fmt.Errorf("reading the archive: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Archived, error) {
		var a Archived
		var sealed []byte
		var digest string
		if err := row.Scan(&a.ID, &a.Login, &a.Direction, &a.ReceivedAt, &digest, &sealed, &a.Logged, &a.Trial); err != nil {
			return a, err
		}
		r, err := age.Decrypt(bytes.NewReader(sealed), key)
		if err != nil {
			return a, fmt.Errorf("opening a message of %s: %w", login, err)
		}
		if a.Body, err = io.ReadAll(r); err == nil && a.SHA256() != digest {
			err = fmt.Errorf("a message of %s is not the one that was archived: its digest differs", login)
		}
		return a, err
	})
}
