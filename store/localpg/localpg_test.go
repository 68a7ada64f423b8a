package localpg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// quick spares the disk: these clusters need not survive a power cut.
var quick = map[string]string{"fsync": "off"}

// With this variable set, the test binary is another program that uses the
// cluster: it starts or joins, says which, and stays until it is killed.
const other = "LOCALPG_TEST_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(other)
	if dir == "" {
		os.Exit(m.Run())
	}
	c, err := Start(context.Background(), Options{Dir: dir, Settings: quick})
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	if c.Joined() {
		fmt.Println("joined")
	} else {
		fmt.Println("started")
	}
	for range 100 { // threads that end must not take the server along
		go runtime.LockOSThread()
	}
	select {}
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

func TestDataOutliveTheServer(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	c := mustStart(t, dir)
	mustExec(t, connect(t, c), "create table kept (n int)", "insert into kept values (7)")
	mustStop(t, c)

	before := time.Now()
	c = mustStart(t, dir)
	t.Logf("later start: %v", time.Since(before).Round(time.Millisecond))
	if c.Joined() {
		t.Error("joined a server that was stopped")
	}
	if n := kept(t, c); n != 7 {
		t.Errorf("after a restart: %d, want 7", n)
	}
}

func TestSecondStartJoins(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first := mustStart(t, dir)
	before := time.Now()
	second := mustStart(t, dir)
	t.Logf("join: %v", time.Since(before).Round(time.Microsecond))
	if !second.Joined() {
		t.Fatal("the second did not join")
	}
	if first.URL("postgres") != second.URL("postgres") {
		t.Errorf("two addresses of one server: %s, %s", first.URL("postgres"), second.URL("postgres"))
	}
	mustStop(t, second)
	connect(t, first) // is still there
}

func TestTwoProcessesStartAtOnce(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	came := make(chan *another, 3)
	for range cap(came) {
		go func() { came <- process(t, dir) }()
	}
	count := map[string]int{}
	var all []*another
	for range cap(came) {
		p := <-came
		all = append(all, p)
		count[p.said]++
	}
	if count["started"] != 1 || count["joined"] != 2 {
		t.Errorf("%v; want one to start and the others to join", count)
	}
	for _, p := range all {
		p.kill()
	}
	mustStop(t, mustStart(t, dir)) // leaves no socket behind
}

// Nothing is stopped in order here: the kernel ends the server.
func TestServerDiesWithItsProcess(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	p := process(t, dir)
	if p.said != "started" {
		t.Fatal(p.said)
	}
	c := mustStart(t, dir)
	if !c.Joined() {
		t.Fatal("did not join the other process's server")
	}
	mustExec(t, connect(t, c), "create table kept (n int)", "insert into kept values (7)")
	pid := readPostmaster(filepath.Join(dir, "postgres")).pid

	time.Sleep(100 * time.Millisecond) // the other's threads end meanwhile
	connect(t, c)                      // not so the server
	p.kill()
	before := time.Now()
	for alive(pid) {
		if time.Since(before) > 10*time.Second {
			t.Fatalf("the server, process %d, outlives the one that started it", pid)
		}
		time.Sleep(time.Millisecond)
	}
	t.Logf("gone %v after kill -9", time.Since(before).Round(time.Millisecond))
	if n := kept(t, mustStart(t, dir)); n != 7 {
		t.Errorf("after kill -9 of the process: %d, want 7", n)
	}
}

// The next process may come before the former one's server has left.
func TestStartRightAfterAKill(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	for range 5 {
		p := process(t, dir)
		if p.said != "started" {
			t.Fatal(p.said)
		}
		p.kill()
		c := mustStart(t, dir)
		if c.Joined() {
			t.Fatal("joined a server that is about to leave")
		}
		mustStop(t, c)
	}
}

// A power cut, or the kernel out of memory, leaves postmaster.pid behind.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	c := mustStart(t, dir)
	mustExec(t, connect(t, c), "create table kept (n int)", "insert into kept values (7)")
	c.server.process.Kill()
	<-c.server.done
	if err := c.Stop(); err == nil || !strings.Contains(err.Error(), "by itself") {
		t.Errorf("Stop of a server that was killed: %v; want it told", err)
	}
	if n := kept(t, mustStart(t, dir)); n != 7 {
		t.Errorf("after kill -9 of the server: %d, want 7", n)
	}
}

func TestAnotherMajorVersionIsRefusedUntouched(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	mustStop(t, mustStart(t, dir))
	data := filepath.Join(dir, "postgres")
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	c, err := Start(t.Context(), Options{Dir: dir})
	if err == nil {
		c.Stop()
		t.Fatal("started")
	}
	for _, want := range []string{"PostgreSQL 12", "pg_upgrade", dir} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not say %q", err, want)
		}
	}
	if after := snapshot(t, dir); after != before {
		t.Errorf("the folder was touched:\n%s\nwas\n%s", after, before)
	}
}

func TestForeignFolderIsRefusedUntouched(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	data := filepath.Join(dir, "postgres")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		os.Chown(data, 65534, 65534)
	}
	if err := os.WriteFile(filepath.Join(data, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	if c, err := Start(t.Context(), Options{Dir: dir, Settings: quick}); err == nil {
		c.Stop()
		t.Error("started")
	}
	if after := snapshot(t, dir); after != before {
		t.Errorf("the folder was touched:\n%s\nwas\n%s", after, before)
	}
}

// initdb died half way: what it left is not taken for a cluster.
func TestUnfinishedClusterIsMadeAnew(t *testing.T) {
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

func TestFailureSpeaksTheServersWords(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	_, err := Start(t.Context(), Options{Dir: dir, Settings: map[string]string{"fsync": "off", "max_connections": "many"}})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "max_connections": "many"`) {
		t.Errorf("%v; want what the server said", err)
	}
}

func TestStartIsGivenUp(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Options{Dir: dir}); err == nil {
		t.Fatal("started in no time")
	}
	connect(t, mustStart(t, dir)) // and may be tried again
}

func TestRootStepsDownAndNamesTheFolderInItsWay(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(folder(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 { // who is not root stays who they are, and enters
		mustStart(t, filepath.Join(closed, "stella"))
		return
	}
	_, err := Start(t.Context(), Options{Dir: filepath.Join(closed, "stella")})
	if err == nil || !strings.Contains(err.Error(), "cannot enter "+closed+":") {
		t.Errorf("%v; want %s named", err, closed)
	}
}

func TestSocketFolderTakenByAnother(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	c := mustStart(t, dir)
	mustStop(t, c)
	if err := os.Mkdir(c.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(c.folder) })
	refused := func(why string) {
		t.Helper()
		if _, err := Start(t.Context(), Options{Dir: dir, Settings: quick}); err == nil || !strings.Contains(err.Error(), c.folder) {
			t.Errorf("%v; want the folder %s refused, %s", err, c.folder, why)
		}
	}
	if os.Getuid() == 0 {
		refused("as it is root's")
		info, err := os.Stat(filepath.Join(dir, "postgres"))
		if err != nil {
			t.Fatal(err)
		}
		os.Chown(c.folder, int(info.Sys().(*syscall.Stat_t).Uid), 0)
	}
	os.Chmod(c.folder, 0o755)
	refused("as anyone can enter it")
}

func TestServerLog(t *testing.T) {
	t.Parallel()
	var log tail
	c, err := Start(t.Context(), Options{Dir: folder(t), Settings: quick, Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t, c)
	mustExec(t, conn, "create table people (code text unique)", "insert into people values ('NRENNA80A41H501T')")
	if _, err := conn.Exec(t.Context(), "insert into people values ('NRENNA80A41H501T')"); err == nil {
		t.Error("inserted twice")
	}
	mustStop(t, c)
	if said := log.String(); !strings.Contains(said, "ready to accept connections") || !strings.Contains(said, "duplicate key") {
		t.Errorf("the log lacks what the server said:\n%s", said)
	} else if strings.Contains(said, "NRENNA") {
		t.Errorf("the log holds a row's values:\n%s", said)
	}
}

// folder makes a folder through which the server's account may pass, which
// t.TempDir is not.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "localpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mustStart(t *testing.T, dir string) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), Options{Dir: dir, Settings: quick})
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

func kept(t *testing.T, c *Cluster) (n int) {
	t.Helper()
	if err := connect(t, c).QueryRow(t.Context(), "select n from kept").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

type another struct {
	cmd  *exec.Cmd
	said string
}

// process runs another program that uses the cluster of dir, and returns once
// it has it.
func process(t *testing.T, dir string) *another {
	p := &another{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), other+"="+dir)
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		p.said = err.Error()
		return p
	}
	t.Cleanup(p.kill)
	line, _ := bufio.NewReader(out).ReadString('\n')
	p.said = strings.TrimSpace(line)
	return p
}

// kill gives the program no time for anything.
func (p *another) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// alive reports whether a process runs: a dead one may still be listed, until
// its new parent takes note.
func alive(pid int) bool {
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(string(state), "Z")
}

// snapshot lists every file with its size, mode and time.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&b, path, info.Size(), info.Mode(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
