package store_test

import (
	"testing"
	"time"

	"stella/store/storetest"
)

// Tests in real time compare times of the program with now() of PostgreSQL.
// scripts/test-later must move both clocks.
func TestDatabaseUsesMachineClock(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	var there time.Time
	storetest.Must(t, s.Pool().QueryRow(t.Context(), `select clock_timestamp()`).Scan(&there))
	if off := time.Since(there).Abs(); off > time.Minute {
		t.Errorf("PostgreSQL's clock differs by %v from the program's", off)
	}
}
