// Package storetest gives each test a database of its own on a real
// PostgreSQL: one private cluster for each test binary, with databases copied
// from a migrated one. A database serves one test after another, emptied
// between them: making one takes longer than most tests.
//
// Tests connect as the role of the service, which may do no more than the
// service needs. A test that changes what the service may not change uses Owner.
//
//   - storetest.go: the cluster and its databases
//   - clock.go: the clock of a world, which stands still until a test sets it
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

// Parameters are added to the URLs of databases: scripts/test-later has some.
var Parameters = os.Getenv("STELLA_TEST_PARAMETERS")

// Role is the role of the service.
const Role = "stella"

func makeTemplate(ctx context.Context) error {
	for _, sql := range []string{`create role ` + Role + ` login`, `create database template_stella`} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return err
		}
	}
	s, err := store.Open(ctx, cluster.URL("template_stella"), nil)
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.Migrate(ctx, Role)
	return err
}

// URL makes a database for a test and returns its URL, for the service. A busy
// machine may take long to let a connection in.
func URL(t testing.TB) string {
	t.Helper()
	return cluster.RoleURL(Role, create(t, "template_stella")) + "&connect_timeout=30" + Parameters
}

// EmptyURL makes a database without a schema and returns its URL, for its owner.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return cluster.URL(create(t, "template1"))
}

// Owner connects to the database of a store as the owner of its tables.
func Owner(t testing.TB, s *store.Store) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), ownerURL(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// RoleURL is the URL of a store's database for another role.
func RoleURL(s *store.Store, role string) string {
	return cluster.RoleURL(role, s.Pool().Config().ConnConfig.Database)
}

// DatabaseURL is the URL of a database by its name, for its owner.
func DatabaseURL(name string) string { return cluster.URL(name) }

func ownerURL(s *store.Store) string { return RoleURL(s, "postgres") }

func create(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", database.Add(1))
	copying.Lock()
	defer copying.Unlock()
	if _, err := admin.Exec(t.Context(), `create database `+name+` template `+template); err != nil {
		t.Fatalf("making a database: %v", err)
	}
	return name
}

// A kept database is used by one test after another.
type kept struct {
	*store.Store
	owner *pgx.Conn // empties the database
}

// idle are databases whose tests have ended.
var idle = make(chan kept, 100)

// New opens an empty database for a test.
func New(t testing.TB) *store.Store {
	t.Helper()
	var k kept
	select {
	case k = <-idle:
		k.SealTo(Auditor.Recipient())
	default:
		var err error
		if k.Store, err = store.Open(context.Background(), URL(t), Auditor.Recipient()); err != nil {
			t.Fatal(err)
		}
		if k.owner, err = pgx.Connect(context.Background(), ownerURL(k.Store)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := k.empty(); err != nil {
			t.Errorf("emptying a database: %v", err)
			return
		}
		idle <- k
	})
	return k.Store
}

// emptying is the statements that empty a database. They run in the role of a
// replica, in which the triggers that protect the log do not fire.
const emptying = `
	select 'begin; set local session_replication_role = replica; ' ||
		(select string_agg(format('delete from %I;', tablename), ' ') from pg_tables
			where schemaname = 'public' and tablename not in ('goose_db_version', 'river_migration')) ||
		(select string_agg(format('select setval(%L, %s, false);', quote_ident(sequencename), start_value), ' ') from pg_sequences
			where schemaname = 'public') || ' commit'`

func (k kept) empty() error {
	ctx := context.Background()
	var sql string
	if err := k.owner.QueryRow(ctx, emptying).Scan(&sql); err != nil {
		return err
	}
	_, err := k.owner.Exec(ctx, sql)
	return err
}

// closeIdle ends the connections before the cluster stops.
func closeIdle() {
	for {
		select {
		case k := <-idle:
			k.Close()
			k.owner.Close(context.Background())
		default:
			return
		}
	}
}
