// Package store keeps all data of Stella in PostgreSQL. It contains all the SQL,
// next to the code that reads the rows. Start with store.go for the connection,
// and with case.go and step.go for the data of one mailbox.
//
//   - store.go, migrate.go: the connection and the schema
//   - url.go, server.go, rights.go: the database URL, the requirements on the
//     server, and the rights of the service's role
//   - unavailable.go, tcp_timeout_linux.go: timeouts, and errors of an unavailable database
//   - uuid.go: UUIDs as bytes
//   - batch.go: many statements in one round trip
//   - case.go: a mailbox with its qualification, read and locked for a step
//   - caselists.go: the lists of a case that only some states need
//   - parts.go: scans a row that joins several tables
//   - step.go: writes what a step changed and added
//   - summaries.go: the status query of webmails, which is the hot path
//   - logins.go, archive.go: requests to identity providers, and the encrypted
//     messages exchanged with them
//   - aggregate.go, suspensions.go: the list of identity providers, and their
//     suspensions
//   - handoffs.go, sessions.go: hand-offs from a webmail, and browser sessions
//   - limits.go: rate limits
//   - calls.go: idempotency keys of API calls
//   - sweep.go: deletes expired rows
//   - mails.go, notifications.go: outgoing mail, for the sender
//   - outbox.go: the outcome of mails, for operators
//   - announcements.go: the feed of events
//   - webhooks.go, deliveries.go: webhooks, and the deliveries of events to them
//   - jobs.go, queue.go: adds jobs, and counts jobs and mails that are not done
//   - register.go, import.go: mailboxes and their holders' records, one or many
//   - mailboxes.go, clients.go, history.go: queries and changes for operators
//   - cases.go: lists of qualifications and invitations
//   - localpg: a private PostgreSQL
//   - storetest: a database for each test
//   - pgproxy: counts round trips, and makes them longer
//
// The package makes no decisions; the procedures below workflow do. Constraints of the
// schema enforce the invariants as well.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"
	"github.com/jackc/pgx/v5/pgxpool"

	"stella/workflow"
)

// Store is a connection pool to a database of Stella. It is safe for concurrent use.
type Store struct {
	pool      *pgxpool.Pool
	recipient age.Recipient
}

// maxConns is the maximum number of connections of a process, unless the URL sets
// pool_max_conns. It is enough for the mail senders, which need a connection before
// and after they talk to the relay, and for a dozen concurrent requests. It lets
// several processes share the 100 connections that PostgreSQL allows by default.
const maxConns = 20

// Open connects to the database. It returns an error if the database does not
// answer within ten seconds. The recipient is the auditor's public key, to which
// the archive is encrypted; it may be nil if nothing is archived.
func Open(ctx context.Context, url string, recipient age.Recipient) (*Store, error) {
	config, err := ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("the database's URL %w", err)
	}
	if plain, err := pgx.ParseConfig(url); err == nil && plain.RuntimeParams["pool_max_conns"] == "" {
		config.MaxConns = maxConns
	}
	config.ConnConfig.RuntimeParams["application_name"] = "stella"
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	// Without this, PostgreSQL plans a statement five times on each connection before it
	// keeps a plan. Our statements read few rows by a key, whatever the arguments are.
	config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	config.AfterConnect = registerUUID
	withTimeouts(config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	reach, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := pool.Ping(reach); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reaching the database: %w", err)
	}
	return &Store{pool: pool, recipient: recipient}, nil
}

// Close waits until all connections are released, and closes them.
func (s *Store) Close() { s.pool.Close() }

// Pool returns the connection pool, for the workers of the job queue.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// SetArchiveRecipient sets the recipient to which the archive is encrypted, in place of the
// one given to Open.
func (s *Store) SetArchiveRecipient(recipient age.Recipient) { s.recipient = recipient }

// Ping returns an error if the database does not answer. It then closes all idle
// connections, so that later requests need not try them one by one. The next
// request opens a new connection, to a host that answers.
func (s *Store) Ping(ctx context.Context) error {
	err := s.pool.Ping(ctx)
	if err != nil {
		for _, c := range s.pool.AcquireAllIdle(ctx) {
			c.Hijack().Close(ctx)
		}
	}
	return err
}

// list returns the rows of a query.
func list[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, _ := s.pool.Query(ctx, sql, args...) // the rows have its error
	return pgx.CollectRows(rows, scan)
}

// one returns the only row of a query, or workflow.ErrUnknown if there is none.
func one[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	rows, _ := s.pool.Query(ctx, sql, args...) // the rows have its error
	row, err := pgx.CollectExactlyOneRow(rows, scan)
	return row, noRowsToUnknown(err)
}

// noRowsToUnknown replaces pgx.ErrNoRows with workflow.ErrUnknown.
func noRowsToUnknown(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return workflow.ErrUnknown
	}
	return err
}

// zeroIfNull is a scan target that sets *t to the zero time if the column is null.
// nullIfZero is the reverse, for arguments.
func zeroIfNull(t *time.Time) *zeronull.Timestamptz { return (*zeronull.Timestamptz)(t) }
func nullIfZero(t time.Time) zeronull.Timestamptz   { return zeronull.Timestamptz(t) }
