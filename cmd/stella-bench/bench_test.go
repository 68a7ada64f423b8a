package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The parts are this test binary.
func TestMain(m *testing.M) {
	if os.Getenv(partVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// The figures of three qualifications are plausible, and the floor needs less for the same
// requests.
func TestThreeQualifications(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	binary := filepath.Join(t.TempDir(), "stella")
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "stella/cmd/stella").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	w, err := newWorld(ctx)
	t.Cleanup(func() { must(t, w.close(false)) })
	must(t, err)
	w.trial = true
	defer func() {
		if log, err := os.ReadFile(w.log.Name()); err == nil && t.Failed() {
			t.Logf("%s", log)
		}
	}()
	stella, err := newStella(ctx, w, "stella", binary)
	must(t, err)
	recording := w.file("recording.json")
	must(t, record(ctx, stella, recording))
	floor, err := newFloor(ctx, stella, recording)
	must(t, err)

	o := options{atOnce: 2, n: 3, mailboxes: 1000, statements: 5}
	of, err := whole.run(ctx, stella, o)
	must(t, err)
	least, err := whole.run(ctx, floor, o)
	must(t, err)

	// A Stella that runs already is measured with the same holders.
	must(t, stella.start(ctx))
	running, err := running{url: w.site, tokens: stella.tokens[0], relay: w.inbox.url, pid: stella.pid, first: int(stella.used.Load())}.
		subject(w, o)
	must(t, err)
	again, err := whole.run(ctx, running, options{atOnce: 1, n: 2})
	must(t, err)
	must(t, stella.stop())
	expect(t, again.Done == 2 && again.Requests == of.Requests && again.Statements == 0, again, "two more are done")

	for _, r := range []report{of, least} {
		expect(t, r.Done == 3 && r.PerSecond > 0, r, "three are done")
		last := r.Steps[len(r.Steps)-1]
		expect(t, len(r.Steps) > 10 && last.Name == wholeStep && last.N == 3, r, "the steps have times")
		for _, s := range r.Steps {
			expect(t, 0 < s.P50 && s.P50 <= s.P95 && s.P95 <= s.P99, r, "the percentiles of "+s.Name+" rise")
		}
		expect(t, 5 < r.Commits && r.Commits < r.Statements, r, "there are fewer commits than statements")
		expect(t, r.Statements <= r.AllStatements, r, "all statements are not fewer")
		expect(t, r.WALBytes > 1000 && r.Transactions > 5, r, "PostgreSQL has written")
		expect(t, len(r.Tables) > 0 && len(r.Top) == 5, r, "there are tables and statements")
		if canMeasure {
			expect(t, r.CPU.Program > 1 && r.CPU.PostgreSQL > 1 && r.CPU.Driver > 1, r, "the CPU is measured")
			expect(t, r.PeakMB > 5 && r.PeakMB < 500, r, "the memory is measured")
		}
	}
	expect(t, of.Requests > 20 && of.Requests == least.Requests, least, "the floor answers the same requests")
	expect(t, least.Statements < of.Statements && least.WALBytes < of.WALBytes, least, "the floor needs less")
}

func expect(t *testing.T, ok bool, r report, what string) {
	t.Helper()
	if !ok {
		t.Errorf("%s: it is not so that %s: %+v", r.Program, what, r)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
