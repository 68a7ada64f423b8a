//go:build torture

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tests' binary is the relay too, when it is asked to be.
func TestMain(m *testing.M) {
	if beRelay() {
		return
	}
	code := m.Run()
	os.RemoveAll(filepath.Dir(built.path))
	os.Exit(code)
}

var built struct {
	once sync.Once
	path string
	err  error
}

// stella builds the program, once for all tests.
func stella(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		dir, err := os.MkdirTemp("", "stella-torture-bin-")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "stella")
		c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", built.path, "stella/cmd/stella")
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		var said []byte
		if said, built.err = c.CombinedOutput(); built.err != nil {
			t.Logf("%s", said)
		}
	})
	must(t, built.err)
	return built.path
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
	return options{binary: stella(t), seed: 4, holders: 6, pace: 100 * time.Millisecond, scale: 0.2, waits: 2 * time.Second}
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

// A short run of what "make torture" does for minutes: everything that can be
// killed is killed at least once.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	o := quick(t)
	o.length, o.every = 10*time.Second, 800*time.Millisecond
	r, err := torture(t.Context(), o, t.Output())
	must(t, err)
	tell(t, r)
	if kills, _ := r.chaos.kills(); kills < 6 {
		t.Errorf("only %d kills", kills)
	}
	if steps, _ := r.world.ledger.steps(); steps < 50 {
		t.Errorf("only %d steps were answered: nobody could work", steps)
	}
}
