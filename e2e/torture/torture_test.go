package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// seed is the seed of the tests' runs, like the command's flag.
var seed = flag.Uint64("seed", 4, "determines the faults and the actions of people")

// TestMain runs the relay if this process was started for that. Otherwise it runs all
// tests in parallel, whatever the number of processors: they mostly wait.
func TestMain(m *testing.M) {
	if runRelay() {
		return
	}
	flag.Parse()
	flag.Set("test.parallel", "8")
	code := m.Run()
	os.RemoveAll(built.dir)
	os.Exit(code)
}

var built struct {
	once sync.Once
	dir  string
	err  error
}

// stella builds the stella program, once for all tests, and returns its path.
func stella(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "stella-torture-bin-"); built.err != nil {
			return
		}
		c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", built.dir, "stella/cmd/stella")
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		var said []byte
		if said, built.err = c.CombinedOutput(); built.err != nil {
			t.Logf("%s", said)
		}
	})
	must(t, built.err)
	return filepath.Join(built.dir, "stella")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// quickOptions returns the options of a test's run, in which people are fast.
func quickOptions(t *testing.T) options {
	t.Helper()
	return options{
		binary:  stella(t),
		seed:    *seed,
		holders: 6,
		pace:    100 * time.Millisecond,
		scale:   0.2,
		maxWait: 2 * time.Second,
		unsafe:  true,
	}
}

// long skips a test in -short runs. Only "make torture" runs it, because it takes
// long.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("make torture runs it")
	}
}

// logReport logs a report, and fails the test if an invariant is broken.
func logReport(t *testing.T, r *report) {
	t.Helper()
	var b strings.Builder
	r.print(&b)
	t.Log(b.String())
	for _, i := range r.invariants {
		if len(i.broken) > 0 {
			t.Error("BROKEN:", i.name)
		}
	}
}

// newWorld opens a world for a test.
func newWorld(t *testing.T, o options) *world {
	t.Helper()
	w, err := open(t.Context(), o)
	must(t, err)
	t.Cleanup(func() {
		if w.keep = t.Failed(); w.keep {
			t.Log("all files are kept in", w.dir)
		}
		must(t, w.close())
	})
	return w
}

// await waits for a condition, for at most two minutes.
func (r *report) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within two minutes: %s", what)
		}
	}
}

// awaitSteps waits until that many more steps are answered.
func (r *report) awaitSteps(t *testing.T, steps int) {
	t.Helper()
	before, _ := r.world.recorder.steps()
	r.await(t, fmt.Sprintf("%d more steps answered", steps), func() bool {
		now, _ := r.world.recorder.steps()
		return now >= before+steps
	})
}

// A short version of the run of "make torture", with every kind of kill as far as time
// allows.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	o := quickOptions(t)
	o.length, o.every = 8*time.Second, 700*time.Millisecond
	r, err := torture(t.Context(), o, t.Output())
	must(t, err)
	logReport(t, r)
	if kills, _ := r.injector.kills(); kills < 5 {
		t.Errorf("only %d kills", kills)
	}
	if steps, _ := r.world.recorder.steps(); steps < 30 {
		t.Errorf("only %d steps were answered, want at least 30", steps)
	}
}
