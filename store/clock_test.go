package store_test

import (
	"testing"
	"time"

	"stella/store/storetest"
)

// Tests in real time compare what the program writes with now() of PostgreSQL.
// scripts/test-later must move both.
func TestTheDatabaseHasTheMachinesClock(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	var there time.Time
	storetest.Must(t, s.Pool().QueryRow(t.Context(), `select clock_timestamp()`).Scan(&there))
	if off := time.Since(there).Abs(); off > time.Minute {
		t.Errorf("PostgreSQL's clock is %v away from the program's", off)
	}
}
