// Package storetest gives each test its own database on a real PostgreSQL. Each test
// binary has one private cluster, whose databases are copies of a migrated template.
// To create a database takes longer than most tests, so after a test the database is
// emptied and used again.
//
// Start with New, which opens a database, or NewWorld, which also sets up the
// procedure. Tests connect with the role of the service, which has only the rights
// that the service needs. To change protected rows, use Owner.
//
//   - storetest.go: the cluster and its databases
//   - shared.go: a cluster that the test binaries of a run copy
//   - clock.go: a clock that is stopped until a test moves it
//   - world.go: the procedure on a database, with one registered webmail
//   - journey.go, mail.go: takes a mailbox through the procedure to any state, and a mail
//     to an attempt
//   - log.go: a log buffer for concurrent use
//   - wait.go: waits for a condition
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
	copying  sync.Mutex // PostgreSQL lets one session at a time copy a template
	database atomic.Int64

	// Auditor is the private key that decrypts the archive of every test database.
	Auditor *age.X25519Identity
)

// Run starts a cluster, runs the tests of a package, and returns the exit code. Call
// it in TestMain.
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
	shared := os.Getenv("STELLA_TEST_CLUSTER")
	if shared != "" {
		if err := copyShared(ctx, shared, dir); err != nil {
			return 0, fmt.Errorf("copying the cluster in %s: %w", shared, err)
		}
	}
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
	if shared == "" {
		if err := makeTemplate(ctx, cluster, admin); err != nil {
			return 0, fmt.Errorf("making the template: %w", err)
		}
	}
	defer closeIdle()
	return m.Run(), nil
}

// Parameters are appended to the URLs of databases. scripts/test-later sets them.
var Parameters = os.Getenv("STELLA_TEST_PARAMETERS")

// Role is the role of the service.
const Role = "stella"

// settings are those of the cluster. Tests do not need durability.
var settings = map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}

func makeTemplate(ctx context.Context, cluster *localpg.Cluster, admin *pgx.Conn) error {
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

// URL creates a database for a test and returns its URL for the role of the service.
// The connection timeout is long, for busy machines.
func URL(t testing.TB) string {
	t.Helper()
	return cluster.RoleURL(Role, create(t, "template_stella")) + "&connect_timeout=30" + Parameters
}

// EmptyURL creates a database without a schema and returns its URL for the owner.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return cluster.URL(create(t, "template1"))
}

// Owner connects to the database of a store with the role that owns its tables.
func Owner(t testing.TB, s *store.Store) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), ownerURL(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// RoleURL returns the URL of a store's database for another role.
func RoleURL(s *store.Store, role string) string {
	return cluster.RoleURL(role, s.Pool().Config().ConnConfig.Database)
}

// DatabaseURL returns the URL of the database with this name, for the owner.
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

// reusable is a database that tests use one after another.
type reusable struct {
	*store.Store
	owner *pgx.Conn // empties the database
}

// idle contains the databases that no test uses.
var idle = make(chan reusable, 100)

// New opens an empty database for a test.
func New(t testing.TB) *store.Store {
	t.Helper()
	var db reusable
	select {
	case db = <-idle:
		db.SetArchiveRecipient(Auditor.Recipient())
	default:
		var err error
		if db.Store, err = store.Open(context.Background(), URL(t), Auditor.Recipient()); err != nil {
			t.Fatal(err)
		}
		if db.owner, err = pgx.Connect(context.Background(), ownerURL(db.Store)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := db.empty(); err != nil {
			t.Errorf("emptying a database: %v", err)
			return
		}
		idle <- db
	})
	return db.Store
}

// emptying selects the statements that empty a database. They run with the
// replication role replica, in which the triggers that protect the log do not fire.
const emptying = `
	select 'begin; set local session_replication_role = replica; ' ||
		(select string_agg(format('delete from %I;', tablename), ' ') from pg_tables
			where schemaname = 'public' and tablename not in ('goose_db_version', 'river_migration')) ||
		(select string_agg(format('select setval(%L, %s, false);', quote_ident(sequencename), start_value), ' ') from pg_sequences
			where schemaname = 'public') || ' commit'`

func (db reusable) empty() error {
	ctx := context.Background()
	var sql string
	if err := db.owner.QueryRow(ctx, emptying).Scan(&sql); err != nil {
		return err
	}
	_, err := db.owner.Exec(ctx, sql)
	return err
}

// closeIdle closes all connections before the cluster stops.
func closeIdle() {
	for {
		select {
		case db := <-idle:
			db.Close()
			db.owner.Close(context.Background())
		default:
			return
		}
	}
}
