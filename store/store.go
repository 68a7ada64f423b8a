// Package store keeps everything in PostgreSQL: all the SQL of Stella is here,
// beside the code that reads its rows.
//
//   - store.go, migrate.go: the connection and the schema
//   - url.go, server.go, rights.go: where the database is, what is asked of its
//     server, and what the service's role may do
//   - away.go, silent_linux.go: a database that does not answer
//   - batch.go: what is asked in one round trip
//   - case.go: a mailbox with its qualification, read and locked for a step
//   - standings.go: what webmails ask of a mailbox, the hot path
//   - step.go: what a step changed and added
//   - logins.go, archive.go: requests to identity providers, and the sealed
//     messages exchanged with them
//   - aggregate.go, suspensions.go: which identity providers there are, and
//     which are not believed
//   - handoffs.go, sessions.go: how people come in
//   - limits.go: what was spent of the limits
//   - calls.go: the calls of the API that may be made again
//   - sweep.go: what is over, and deleted
//   - mails.go: outgoing mail, for the sender
//   - outbox.go: what became of it, for operators
//   - announcements.go: what was told of mailboxes, as a feed
//   - webhooks.go, deliveries.go: where it is told, and what became of that
//   - queue.go: the jobs that are not done
//   - register.go, import.go: mailboxes as their providers know them, one and many
//   - mailboxes.go, clients.go, history.go: the operator's side
//   - cases.go: lists of qualifications and invitations
//   - localpg: a private PostgreSQL
//   - storetest: a database for a test
//
// It decides nothing: package workflow does, and what must never be false is
// also a constraint of the schema.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"stella/workflow"
)

// Store is a database of Stella. It is safe for use by many goroutines.
type Store struct {
	pool      *pgxpool.Pool
	jobs      *river.Client[pgx.Tx] // inserts only; the workers have their own
	recipient age.Recipient
}

// maxConns is how many connections a process opens at most, unless the URL says
// pool_max_conns: enough for the senders, who need one before and after they
// speak with the relay, and a dozen requests at once; few enough for several
// processes under the hundred that PostgreSQL allows.
const maxConns = 20

// Open connects to the database; it fails if that does not answer within ten
// seconds. The recipient is the auditor, to whom the archive is encrypted; nil
// where nothing will be archived.
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
	impatient(config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	reach, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	if err := pool.Ping(reach); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reaching the database: %w", err)
	}
	// Insert-only: it starts nothing, and warns of nothing. Of two inserts within
	// FetchCooldown the queue is told of one alone, and the other would wait for
	// the next time that it looks; sendMail does more.
	jobs, err := river.NewClient(riverpgxv5.New(pool), &river.Config{FetchCooldown: time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("preparing the job queue: %w", err)
	}
	return &Store{pool: pool, jobs: jobs, recipient: recipient}, nil
}

// Close waits for what is in flight and closes the connections.
func (s *Store) Close() { s.pool.Close() }

// Pool is the connection pool, for the workers of the job queue.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// SealTo names the auditor after the database was opened.
func (s *Store) SealTo(recipient age.Recipient) { s.recipient = recipient }

// Ping reports whether the database answers. Where it does not, the connections
// that are idle are given up, rather than tried one after the other by those who
// come next: the next is made anew, with the host that answers then.
func (s *Store) Ping(ctx context.Context) error {
	err := s.pool.Ping(ctx)
	if err != nil {
		for _, c := range s.pool.AcquireAllIdle(ctx) {
			c.Hijack().Close(ctx)
		}
	}
	return err
}

// list reads the rows of a query.
func list[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, _ := s.pool.Query(ctx, sql, args...) // the rows have its error
	return pgx.CollectRows(rows, scan)
}

// one reads the row of a query; ErrUnknown where there is none.
func one[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	rows, _ := s.pool.Query(ctx, sql, args...) // the rows have its error
	row, err := pgx.CollectExactlyOneRow(rows, scan)
	return row, found(err)
}

// found turns the absence of a row into the error that callers know.
func found(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return workflow.ErrUnknown
	}
	return err
}

// orZero is where a time is scanned that is zero where the row has null, and
// orNull writes it so.
func orZero(t *time.Time) *zeronull.Timestamptz { return (*zeronull.Timestamptz)(t) }
func orNull(t time.Time) zeronull.Timestamptz   { return zeronull.Timestamptz(t) }
