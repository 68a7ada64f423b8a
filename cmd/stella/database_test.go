package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"stella/cmd/stella/config"
	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

// If an operator forgets to name the database, the command fails. It does not create
// an empty one.
func TestOnlyThreeCommandsCreateADatabase(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"mailbox list", "mailbox show x", "mailbox import /dev/null", "mailbox export", "mail list",
		"qualification list", "qualification show x", "qualification approve x --reason=x", "client list",
		"client add x --domain=a.example --return-url=https://a.example", "webhook list", "spid provider list"} {
		for _, dir := range []string{filepath.Join(t.TempDir(), "missing", "data"), t.TempDir()} {
			parsed, err := newParser(t.Context(), &commands{}).Parse(append(strings.Fields(args), "--dir", dir))
			storetest.Must(t, err)
			err = runCommand(t.Context(), parsed, parsed.Selected().Target.Interface())
			if want := "there is no database in " + dir + ": name --dir or STELLA_DATABASE_URL"; err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %s", args, err, want)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%s left %v behind", args, left)
			}
		}
	}
}

func TestRemoteDatabaseNeedsVerifyFull(t *testing.T) {
	t.Parallel()
	const url, settings = "postgres://stella:hush@db1/stella", "host=db1 user=stella password=hush dbname=stella"
	for _, refused := range []string{
		url, url + "?sslmode=disable", url + "?sslmode=allow",
		url + "?sslmode=prefer", url + "?sslmode=require", url + "?sslmode=verify-ca",
		settings, settings + " sslmode=require",
		"postgres://stella@localhost,10.0.0.2/stella", "postgres://stella@/stella?host=/run/postgresql,db1",
		"postgresql://stella@[2001:db8::1]:5432/stella",
	} {
		d := config.Database{URL: refused}
		err := d.Check()
		if err == nil || !strings.Contains(err.Error(), "sslmode=verify-full") ||
			!strings.Contains(err.Error(), "STELLA_DATABASE_INSECURE=true") ||
			strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", refused, err)
		}
		d.Insecure = true
		storetest.Must(t, d.Check())
	}
	for _, taken := range []string{
		url + "?sslmode=verify-full", "postgres://stella@db1,db2/stella?sslmode=verify-full&target_session_attrs=read-write",
		settings + " sslmode=verify-full", "postgres://stella@localhost/stella", "postgres://stella@127.0.0.2,[::1]/stella?sslmode=disable",
		"postgres://stella@/stella?host=/run/postgresql", "host=/run/postgresql dbname=stella",
	} {
		if err := (config.Database{URL: taken}).Check(); err != nil {
			t.Errorf("%s: %v", taken, err)
		}
	}
	// Every command checks it.
	r := stella(t, []string{"STELLA_DATABASE_URL=" + settings}, "client", "list")
	if r.status != 1 || !strings.HasPrefix(r.err, "stella: STELLA_DATABASE_URL: the connection to db1 is not verified by TLS") {
		t.Errorf("%+v", r)
	}
}

// Errors about the database's URL do not show its password.
func TestDatabasePasswordIsNotShown(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"host=127.0.0.1 port=1 user=stella password=hush dbname=stella sslmode=disable": "reaching the database",
		"postgres://stella:hush@127.0.0.1:1/stella?sslmode=disable":                     "reaching the database",
		"postgres://stella:hu%sh@db1/stella":                                            "percent-encoded",
		"postgres://stella:hush/hush@db1/stella":                                        "percent-encoded",
		"host=db1 password='hush":                                                       "percent-encoded",
		"postgres://stella:hush@db1/stella?sslmode=perhaps":                             "percent-encoded",
		"postgres://stella:hush@db1/stella?sslrootcert=/nonexistent":                    "/nonexistent",
		"jdbc:postgresql://db1/stella?password=hush":                                    "begins with jdbc:postgresql://",
		"mysql://stella:hush@db1/stella":                                                "begins with mysql://",
		"stella:hush@db1/stella":                                                        "percent-encoded",
	} {
		d := config.Database{URL: url}
		_, opened := d.Open(t.Context(), nil)
		for act, err := range map[string]error{"open": opened, "migrate": migrateCommand{Database: d}.Run(t.Context())} {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") ||
				strings.Contains(err.Error(), "hu%sh") {
				t.Errorf("%s: %s: %v", url, act, err)
			}
		}
	}
	r := stella(t, []string{"STELLA_DATABASE_URL=host=127.0.0.1 port=1 password=hush"}, "migrate")
	if r.status != 1 || r.out != "" || !strings.Contains(r.err, "127.0.0.1") || strings.Contains(r.err, "hush") {
		t.Errorf("%+v", r)
	}
}

func TestMigratePrintsTheDatabase(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyURL(t)
	parsed, err := pgx.ParseConfig(url)
	storetest.Must(t, err)
	settings := "host=" + parsed.Host + " port=5432 user=postgres password=hush dbname=" + parsed.Database
	out := stella(t, []string{"STELLA_DATABASE_URL=" + settings}, "migrate").succeeds(t)
	if want := "PostgreSQL at postgres@" + parsed.Host + ":5432/" + parsed.Database + ": "; !strings.HasPrefix(out, want) {
		t.Errorf("%q, want %q", out, want)
	}
}

// Stella uses the private PostgreSQL with a role that cannot delete evidence. A
// database of an older version, which had only the superuser, gets this role.
func TestPrivateDatabaseHasTwoRoles(t *testing.T) {
	t.Parallel()
	d := config.Database{Dir: dataDir(t)}
	for _, step := range []string{`drop owned by stella; drop role stella; grant create on schema public to public`, ""} {
		db, err := d.Open(t.Context(), nil)
		storetest.Must(t, err)
		storetest.Must(t, db.CheckSchema(t.Context()))
		for _, sql := range []string{"delete from identities", "drop trigger append_only on steps", "create table x ()"} {
			if _, err := db.Pool().Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "42501") {
				t.Errorf("%s: %v", sql, err)
			}
		}
		if step != "" { // as an older version left it
			admin, err := pgx.Connect(t.Context(), db.Cluster.URL("stella"))
			storetest.Must(t, err)
			_, err = admin.Exec(t.Context(), step)
			storetest.Must(t, err)
			admin.Close(t.Context())
		}
		storetest.Must(t, db.Close())
	}
	r := stella(t, []string{"STELLA_DIR=" + d.Dir}, "migrate", "--grant=stella")
	r.fails(t, 1, "the private PostgreSQL already has its roles: --grant is only for your own PostgreSQL")
}

// With a provider's own PostgreSQL, the owner of the tables migrates and grants the
// rights, and the service connects as the other role.
func TestMigrateGrant(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyURL(t)
	owner := []string{"STELLA_DATABASE_URL=" + url}
	c := programtest.GoodConfig(t)
	c.URL = strings.Replace(url, "postgres@", storetest.Role+"@", 1)
	stella(t, owner, "migrate").succeeds(t)
	if r := stella(t, programtest.Environ(c), "serve"); r.status != 1 || !strings.Contains(r.err, `run "stella migrate --grant ROLE"`) {
		t.Errorf("before the grant: %+v", r)
	}
	out := stella(t, owner, "migrate", "--grant", storetest.Role).succeeds(t)
	if !strings.HasSuffix(out, "\nstella has the rights of the service\n") {
		t.Errorf("%q", out)
	}
	s := startService(t, c)
	s.waitReady()
	stella(t, programtest.Environ(c), "client", "add", "webmail", "--domain=pec.example", "--return-url=https://webmail.example/").succeeds(t)
	mailboxes := programtest.File(t, "m.csv", []byte(header+"anna.neri@pec.example,person,Anna Neri,NRENNA80A41H501T,,anna.neri@mail.example,active\n"))
	stella(t, programtest.Environ(c), "mailbox", "import", mailboxes).succeeds(t)
	const warning = "could delete evidence"
	if log := s.log(); strings.Contains(log, warning) {
		t.Errorf("%s", log)
	}
	s.interrupt()
	c.URL = url
	s = startService(t, c)
	s.waitForLog(warning)
	s.interrupt()
}
