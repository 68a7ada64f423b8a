// Package storetest gives each test a database of its own on a real
// PostgreSQL: one private cluster for each test binary, with databases copied
// from a migrated one. A database serves one test after another, emptied
// between them: making one takes longer than most tests.
//
//   - storetest.go: the cluster, its databases, and a clock that a test sets
//   - world.go: the procedure on a database, with a webmail that is known to it
//   - journey.go: the way of a mailbox through the procedure, to any state
//   - log.go: a log that is read while more is written
package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"

	"stella/store"
	"stella/store/localpg"
)

var (
	cluster  *localpg.Cluster
	admin    *pgx.Conn
	copying  sync.Mutex // a template is copied by one session at a time
	database atomic.Int64

	// Auditor can open the archive of every test's database.
	Auditor *age.X25519Identity
)

// Run runs the tests of a package with a cluster beside them; it is for
// TestMain, which exits with what it returns.
func Run(m *testing.M) int {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "storetest:", err)
		return 1
	}
	return code
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "stella-test-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL does not run as root
		return 0, err
	}
	// What a crash would lose is of no use to a test.
	settings := map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}
	if cluster, err = localpg.Start(ctx, localpg.Options{Dir: dir, Settings: settings}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	if Auditor, err = age.GenerateX25519Identity(); err != nil {
		return 0, err
	}
	if admin, err = pgx.Connect(ctx, cluster.URL("postgres")); err != nil {
		return 0, err
	}
	defer admin.Close(ctx)
	if err := makeTemplate(ctx); err != nil {
		return 0, fmt.Errorf("making the template: %w", err)
	}
	defer closeIdle()
	return m.Run(), nil
}

func makeTemplate(ctx context.Context) error {
	if _, err := admin.Exec(ctx, `create database template_stella`); err != nil {
		return err
	}
	s, err := store.Open(ctx, cluster.URL("template_stella"), nil)
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.Migrate(ctx)
	return err
}

// URL makes a database for a test and returns its URL.
func URL(t testing.TB) string {
	t.Helper()
	return create(t, "template_stella")
}

// EmptyURL makes a database without a schema.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return create(t, "template1")
}

func create(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", database.Add(1))
	copying.Lock()
	defer copying.Unlock()
	if _, err := admin.Exec(t.Context(), `create database `+name+` template `+template); err != nil {
		t.Fatalf("making a database: %v", err)
	}
	return cluster.URL(name)
}

// idle are databases whose tests have ended.
var idle = make(chan *store.Store, 100)

// New opens an empty database for a test.
func New(t testing.TB) *store.Store {
	t.Helper()
	var s *store.Store
	select {
	case s = <-idle:
		s.SealTo(Auditor.Recipient())
	default:
		var err error
		if s, err = store.Open(context.Background(), URL(t), Auditor.Recipient()); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		// As a replica: nothing guards the rows of the log.
		_, err := s.Pool().Exec(context.Background(), `do $$ declare name text; begin
			set local session_replication_role = replica;
			for name in select tablename from pg_tables
				where schemaname = 'public' and tablename not in ('goose_db_version', 'river_migration')
			loop
				execute format('delete from %I', name);
			end loop;
			for name in select sequencename from pg_sequences where schemaname = 'public' loop
				execute format('alter sequence %I restart', name);
			end loop;
		end $$`)
		if err != nil {
			t.Error(err)
			return
		}
		idle <- s
	})
	return s
}

// closeIdle ends the connections before the cluster stops.
func closeIdle() {
	for {
		select {
		case s := <-idle:
			s.Close()
		default:
			return
		}
	}
}

// Clock is a clock that a test sets.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at a Saturday noon in Rome.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 11, 21, 11, 0, 0, 0, time.UTC)} }

// Now is the time the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance sets the clock forward, or backward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
