package localpg

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTwoProcessesStartAtOnce(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	helpers := make(chan *helper, 3)
	for range cap(helpers) {
		go func() { helpers <- startHelper(t, dir) }()
	}
	count := map[string]int{}
	var all []*helper
	for range cap(helpers) {
		p := <-helpers
		all = append(all, p)
		count[p.output]++
	}
	if count["started"] != 1 || count["joined"] != 2 {
		t.Errorf("%v; want one to start and the others to join", count)
	}
	for _, p := range all {
		p.kill()
	}
	mustStop(t, mustStart(t, dir)) // removes the socket's folder
}

// The process is killed, so that it cannot stop the server; the kernel does.
func TestServerDiesWithItsProcess(t *testing.T) {
	t.Parallel()
	dir := stoppedCluster(t)
	p := startHelper(t, dir)
	if p.output != "started" {
		t.Fatal(p.output)
	}
	c := mustStart(t, dir)
	if !c.Joined() {
		t.Fatal("did not join the other process's server")
	}
	mustExec(t, connect(t, c), "create table kept (n int)", "insert into kept values (7)")
	pid := readPostmaster(filepath.Join(dir, "postgres")).pid

	time.Sleep(100 * time.Millisecond) // the other process's threads end
	connect(t, c)                      // the server must still run
	p.kill()
	before := time.Now()
	for alive(pid) {
		if time.Since(before) > 10*time.Second {
			t.Fatalf("the server, process %d, outlives the process that started it", pid)
		}
		time.Sleep(time.Millisecond)
	}
	t.Logf("ended %v after kill -9", time.Since(before).Round(time.Millisecond))
	if n := readKept(t, mustStart(t, dir)); n != 7 {
		t.Errorf("after kill -9 of the process: %d, want 7", n)
	}
}

// The next process may start before the previous server has ended.
func TestStartRightAfterKill(t *testing.T) {
	t.Parallel()
	dir := stoppedCluster(t)
	for range 5 {
		p := startHelper(t, dir)
		if p.output != "started" {
			t.Fatal(p.output)
		}
		p.kill()
		c := mustStart(t, dir)
		if c.Joined() {
			t.Fatal("joined a server that is about to end")
		}
		mustStop(t, c)
	}
}

// A power cut, or a kill when the system is out of memory, leaves postmaster.pid.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	dir := stoppedCluster(t)
	c := mustStart(t, dir)
	mustExec(t, connect(t, c), "create table kept (n int)", "insert into kept values (7)")
	c.server.process.Kill()
	<-c.server.done
	if err := c.Stop(); err == nil || !strings.Contains(err.Error(), "stopped unexpectedly") {
		t.Errorf("Stop of a server that was killed: %v; want an error", err)
	}
	if n := readKept(t, mustStart(t, dir)); n != 7 {
		t.Errorf("after kill -9 of the server: %d, want 7", n)
	}
}

// helperVariable names a folder. If it is set, the test binary is a helper process
// that uses the cluster in this folder.
const helperVariable = "LOCALPG_TEST_DIR"

// runHelper starts or joins a server, prints "started" or "joined", and runs until
// it is killed.
func runHelper(dir string) {
	c, err := Start(context.Background(), Options{Dir: dir, Settings: fastSettings})
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	if c.Joined() {
		fmt.Println("joined")
	} else {
		fmt.Println("started")
	}
	for range 100 { // threads that end must not stop the server
		go runtime.LockOSThread()
	}
	select {}
}

type helper struct {
	cmd    *exec.Cmd
	output string
}

// startHelper starts a helper process on the cluster of dir, and returns when it has
// printed its result.
func startHelper(t *testing.T, dir string) *helper {
	p := &helper{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), helperVariable+"="+dir)
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		p.output = err.Error()
		return p
	}
	t.Cleanup(p.kill)
	line, _ := bufio.NewReader(out).ReadString('\n')
	p.output = strings.TrimSpace(line)
	return p
}

// kill kills the helper without giving it time to clean up.
func (p *helper) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// alive reports whether a process runs. A zombie, which its new parent has not yet
// reaped, does not count.
func alive(pid int) bool {
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(string(state), "Z")
}
