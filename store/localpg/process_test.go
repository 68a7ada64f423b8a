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
	dir := stopped(t)
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
	dir := stopped(t)
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
	dir := stopped(t)
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

// With this variable set, the test binary is another program that uses the
// cluster of the folder named.
const other = "LOCALPG_TEST_DIR"

// beAnother starts or joins, says which, and stays until it is killed.
func beAnother(dir string) {
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
