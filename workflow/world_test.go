package workflow_test

import (
	"errors"
	"flag"
	"os"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
)

func TestMain(m *testing.M) {
	flag.Set("rapid.checks", "20") // unless the command line says otherwise
	os.Exit(storetest.Run(m))
}

const (
	// The same person as Anna, told apart from another by letters for digits.
	annaOmocode = "NRENNA80A41H50ML"
	// A code that a person may have had before one of 16 characters.
	provisional = "12345678903"
	cooperativa = "02468135799"
)

func newWorld(t *testing.T) *storetest.World {
	t.Helper()
	t.Parallel()
	return storetest.NewWorld(t)
}

// begin hands the user of a new mailbox over, in a world of their own.
func begin(t *testing.T, r workflow.Record) *storetest.Journey {
	t.Helper()
	return newWorld(t).Record(t, r).To(workflow.HolderChoice)
}

// reach takes Anna's mailbox to a state, in a world of its own.
func reach(t *testing.T, s workflow.State) *storetest.Journey {
	t.Helper()
	return bring(newWorld(t).Record(t, storetest.AnnasRecord), s)
}

// bring takes a mailbox to a state, and sends the code that is waited for there.
func bring(x *storetest.Journey, s workflow.State) *storetest.Journey {
	x.Helper()
	if x.To(s); s == workflow.CodeEntry {
		x.SendCode()
	}
	return x
}

// logInAs goes to the identity provider and comes back as a person.
func logInAs(x *storetest.Journey, fiscalNumber string) error {
	x.Helper()
	a := x.Answer("")
	a.Assertion.FiscalNumber = fiscalNumber // as the test writes it
	secret, err := x.Park(x.LogIn(), a)
	x.Must(err)
	return x.Procedure.Return(x.Context(), x.Visitor, secret)
}

func isStale(err error) bool {
	var stale workflow.StaleError
	return errors.As(err, &stale)
}

// waitsForALock waits until somebody waits for a lock of the database, or has
// ended without.
func waitsForALock(x *storetest.Journey, ended chan error) {
	x.Helper()
	storetest.Eventually(x, "a session waits for a lock", func() bool {
		var waits int
		x.Must(x.Pool().QueryRow(x.Context(), `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&waits))
		return waits > 0 || len(ended) > 0
	})
}
