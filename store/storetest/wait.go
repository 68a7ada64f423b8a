package storetest

import (
	"testing"
	"time"

	"stella/store"
)

// deadline is how long a test waits for a condition that is soon true on an idle
// machine. It is long because it affects only tests that fail.
const deadline = time.Minute

// Eventually waits until a condition is true. It fails the test immediately after a
// minute. The text what completes the message "it is still not true that …".
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v it is still not true that %s", deadline, what)
		}
	}
}

// LockAwaited returns when a session of the database waits for a lock.
func LockAwaited(t testing.TB, s *store.Store) {
	t.Helper()
	Eventually(t, "a session waits for a lock", func() (waits bool) {
		Must(t, s.Pool().QueryRow(t.Context(), `
			select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waits))
		return waits
	})
}
