package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// fastSettings disable syncing to disk: these clusters need not survive a power cut.
var fastSettings = map[string]string{"fsync": "off"}

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperVariable); dir != "" {
		runHelper(dir)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

// templateDir is the folder of a cluster that was created and stopped. Tests that do
// not test the creation use a copy of it. To create a cluster takes five times as long.
var templateDir string

func run(m *testing.M) (code int, err error) {
	if templateDir, err = accessibleDir(); err != nil {
		return 0, err
	}
	defer os.RemoveAll(templateDir)
	c, err := Start(context.Background(), Options{Dir: templateDir, Settings: fastSettings})
	if err != nil {
		return 0, err
	}
	if err := c.Stop(); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

func TestFirstStart(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	before := time.Now()
	c := mustStart(t, dir)
	t.Logf("first start: %v", time.Since(before).Round(time.Millisecond))
	if c.Joined() {
		t.Error("a first start joined")
	}
	conn := connect(t, c)
	for query, want := range map[string]string{
		"show server_encoding":                   "UTF8",
		"show listen_addresses":                  "", // no TCP
		"show data_checksums":                    "on",
		"show fsync":                             "off", // the caller's setting
		"show timezone":                          "UTC",
		"select current_user::text":              "postgres",
		"select lower('CITTÀ')":                  "città",
		"select ('Z' < 'a' and 'z' < 'à')::text": "true",
	} {
		var got string
		if err := conn.QueryRow(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", query, got, err, want)
		}
	}
	if info, err := os.Stat(c.folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's folder: %v, %v; want mode 0700", info.Mode(), err)
	}

	mustStop(t, c)
	if _, err := os.Stat(c.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's folder after Stop: %v; want it gone", err)
	}
	if err := c.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
}

func TestDataSurvivesRestart(t *testing.T) {
	t.Parallel()
	dir := stoppedCluster(t)
	c := mustStart(t, dir)
	mustExec(t, connect(t, c), "create table kept (n int)", "insert into kept values (7)")
	mustStop(t, c)

	before := time.Now()
	c = mustStart(t, dir)
	t.Logf("later start: %v", time.Since(before).Round(time.Millisecond))
	if c.Joined() {
		t.Error("joined a server that was stopped")
	}
	if n := readKept(t, c); n != 7 {
		t.Errorf("after a restart: %d, want 7", n)
	}
}

func TestSecondStartJoins(t *testing.T) {
	t.Parallel()
	dir := stoppedCluster(t)
	first := mustStart(t, dir)
	before := time.Now()
	second := mustStart(t, dir)
	t.Logf("join: %v", time.Since(before).Round(time.Microsecond))
	if !second.Joined() {
		t.Fatal("the second Start did not join")
	}
	if first.URL("postgres") != second.URL("postgres") {
		t.Errorf("two URLs for one server: %s, %s", first.URL("postgres"), second.URL("postgres"))
	}
	mustStop(t, second)
	connect(t, first) // the server still runs
}

// If initdb was killed, the incomplete cluster is replaced.
func TestUnfinishedClusterIsRecreated(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	half := filepath.Join(dir, "postgres.new")
	if err := os.Mkdir(half, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(half, "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	connect(t, mustStart(t, dir))
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v; want it gone", half, err)
	}
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), strings.Repeat("a", 100), strings.Repeat("è", 60), "with blank and 'quote'")
	connect(t, mustStart(t, dir))
}

func TestStartErrorContainsServerOutput(t *testing.T) {
	t.Parallel()
	dir := stoppedCluster(t)
	_, err := Start(t.Context(), Options{Dir: dir, Settings: map[string]string{"fsync": "off", "max_connections": "many"}})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "max_connections": "many"`) {
		t.Errorf("%v; want the server's message", err)
	}
}

func TestStartIsCancelled(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Options{Dir: dir}); err == nil {
		t.Fatal("started before the deadline")
	}
	connect(t, mustStart(t, dir)) // a second Start works
}

func TestServerLog(t *testing.T) {
	t.Parallel()
	var log tail
	c, err := Start(t.Context(), Options{Dir: stoppedCluster(t), Settings: fastSettings, Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t, c)
	mustExec(t, conn, "create table people (code text unique)", "insert into people values ('NRENNA80A41H501T')")
	if _, err := conn.Exec(t.Context(), "insert into people values ('NRENNA80A41H501T')"); err == nil {
		t.Error("inserted twice")
	}
	mustStop(t, c)
	if text := log.String(); !strings.Contains(text, "ready to accept connections") || !strings.Contains(text, "duplicate key") {
		t.Errorf("the log lacks messages of the server:\n%s", text)
	} else if strings.Contains(text, "NRENNA") {
		t.Errorf("the log contains the values of a row:\n%s", text)
	}
}

// folder creates a folder that is deleted after the test.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := accessibleDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// accessibleDir creates a folder that the server's account can enter, which is not
// the case for t.TempDir.
func accessibleDir() (string, error) {
	dir, err := os.MkdirTemp("", "localpg")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// stoppedCluster creates a folder with a cluster that does not run.
func stoppedCluster(t *testing.T) string {
	t.Helper()
	dir := folder(t)
	if out, err := exec.Command("cp", "-a", templateDir+"/.", dir).CombinedOutput(); err != nil {
		t.Fatalf("copying a cluster: %v\n%s", err, out)
	}
	return dir
}

func mustStart(t *testing.T, dir string) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), Options{Dir: dir, Settings: fastSettings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	return c
}

func mustStop(t *testing.T, c *Cluster) {
	t.Helper()
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, c *Cluster) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func mustExec(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

func readKept(t *testing.T, c *Cluster) (n int) {
	t.Helper()
	if err := connect(t, c).QueryRow(t.Context(), "select n from kept").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
