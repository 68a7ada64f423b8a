package qualification_test

import (
	"errors"
	"flag"
	"os"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestMain(m *testing.M) {
	flag.Set("rapid.checks", "20") // unless set on the command line
	os.Exit(storetest.Run(m))
}

const (
	// Anna's code with letters for digits (omocodia).
	annaOmocode = "NRENNA80A41H50ML"
	// A provisional code, which Anna may have had before.
	provisional = "12345678903"
	cooperativa = "02468135799"
)

func newWorld(t *testing.T) *storetest.World {
	t.Helper()
	t.Parallel()
	return storetest.NewWorld(t)
}

// begin hands off the user of a new mailbox, in a new world.
func begin(t *testing.T, r workflow.Record) *storetest.Journey {
	t.Helper()
	return newWorld(t).Record(t, r).AdvanceTo(qualification.HolderChoice)
}

// reach brings Anna's mailbox to a state, in a new world.
func reach(t *testing.T, s qualification.State) *storetest.Journey {
	t.Helper()
	return bringTo(newWorld(t).Record(t, storetest.AnnasRecord), s)
}

// bringTo brings a mailbox to a state. In state CodeEntry it also sends the code.
func bringTo(x *storetest.Journey, s qualification.State) *storetest.Journey {
	x.Helper()
	if x.AdvanceTo(s); s == qualification.CodeEntry {
		x.SendCode()
	}
	return x
}

// logInAs logs in at the identity provider as a person, and returns.
func logInAs(x *storetest.Journey, fiscalNumber string) error {
	x.Helper()
	a := x.Answer("")
	a.Assertion.FiscalNumber = fiscalNumber // as the test writes it
	secret, err := x.Park(x.LogIn(), a)
	x.Must(err)
	return x.Procedure.Return(x.Context(), x.Visitor, secret)
}

func isStale(err error) bool {
	var stale qualification.StaleError
	return errors.As(err, &stale)
}

// waitForLock waits until a session of the database waits for a lock, or the goroutine
// has ended.
func waitForLock(x *storetest.Journey, ended chan error) {
	x.Helper()
	storetest.Eventually(x, "a session waits for a lock", func() bool {
		var waits int
		x.Must(x.Pool().QueryRow(x.Context(), `
			select count(*) from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock'`).Scan(&waits))
		return waits > 0 || len(ended) > 0
	})
}
