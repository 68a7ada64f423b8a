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

// refusedPerLogin is the maximum number of responses that ArchiveMessage archives for
// a login. It limits what a stranger who learned a request ID can make us store.
const refusedPerLogin = 5

// encrypt encrypts a message to the auditor. The service does not have the
// auditor's private key.
func (s *Store) encrypt(body []byte) ([]byte, error) {
	if s.recipient == nil {
		return nil, errors.New("no recipient for the archive")
	}
	var encrypted bytes.Buffer
	w, err := age.Encrypt(&encrypted, s.recipient)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return encrypted.Bytes(), nil
}

// ArchiveMessage archives a response that was refused, so that no step writes it. It
// silently drops the message if the login already has refusedPerLogin responses.
func (s *Store) ArchiveMessage(ctx context.Context, m workflow.Message) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// One at a time for each login, so that the count includes the others.
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
		return send(ctx, tx, b)
	})
}

// Archived is a decrypted message of the archive.
type Archived struct {
	workflow.Message
	Logged bool // the log has its digest, so a step was based on it
	Trial  bool // it belongs to a test login, so no step is based on it
}

// OpenArchive returns the messages of a login, decrypted with the auditor's private
// key, oldest first. It returns an error if a message does not match its digest.
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
		var encrypted []byte
		var digest string
		if err := row.Scan(&a.ID, &a.Login, &a.Direction, &a.ReceivedAt, &digest, &encrypted, &a.Logged, &a.Trial); err != nil {
			return a, err
		}
		r, err := age.Decrypt(bytes.NewReader(encrypted), key)
		if err != nil {
			return a, fmt.Errorf("opening a message of %s: %w", login, err)
		}
		if a.Body, err = io.ReadAll(r); err == nil && a.SHA256() != digest {
			err = fmt.Errorf("a message of %s is not the one that was archived: its digest differs", login)
		}
		return a, err
	})
}
