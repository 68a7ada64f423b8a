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

// seed decides the tests' runs, as it does those of the command.
var seed = flag.Uint64("seed", 4, "decides what is done when")

// The tests' binary is the relay too, when it is asked to be. All tests run at
// once, however few processors there are: they wait most of their time.
func TestMain(m *testing.M) {
	if beRelay() {
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

// stella builds the program, once for all tests.
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

// quick are the options of a test's run: people in a hurry.
func quick(t *testing.T) options {
	t.Helper()
	return options{binary: stella(t), seed: *seed, holders: 6, pace: 100 * time.Millisecond, scale: 0.2, waits: 2 * time.Second, unsafe: true}
}

// long marks a test that only "make torture" runs, because of its time.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("make torture runs it")
	}
}

// tell logs a report, and fails the test if something in it is broken.
func tell(t *testing.T, r *report) {
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

// openWorld opens a world for a test.
func openWorld(t *testing.T, o options) *world {
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

// until waits until people got somewhere.
func (r *report) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within two minutes: %s", what)
		}
	}
}

// more waits until people were answered so many more steps.
func (r *report) more(t *testing.T, steps int) {
	t.Helper()
	before, _ := r.world.ledger.steps()
	r.until(t, fmt.Sprintf("%d more steps answered", steps), func() bool {
		now, _ := r.world.ledger.steps()
		return now >= before+steps
	})
}

// A short run of what "make torture" does for minutes: with every kind of kill,
// as far as time allows.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	o := quick(t)
	o.length, o.every = 8*time.Second, 700*time.Millisecond
	r, err := torture(t.Context(), o, t.Output())
	must(t, err)
	tell(t, r)
	if kills, _ := r.chaos.kills(); kills < 5 {
		t.Errorf("only %d kills", kills)
	}
	if steps, _ := r.world.ledger.steps(); steps < 30 {
		t.Errorf("only %d steps were answered: nobody could work", steps)
	}
}
