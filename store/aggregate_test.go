package store_test

import (
	"testing"
	"time"

	"stella/store/storetest"
)

func TestKeepAggregateKeepsNewest(t *testing.T) {
	w := newWorld(t)
	if raw, at, err := w.Aggregate(t.Context()); raw != nil || !at.IsZero() || err != nil {
		t.Errorf("in an empty database: %q, %v, %v; want none", raw, at, err)
	}
	now := w.Clock.Now()
	keep := func(raw string, at time.Time) { storetest.Must(t, w.SaveAggregate(t.Context(), []byte(raw), at)) }
	kept := func(want string, wantAt time.Time) {
		t.Helper()
		if raw, at, err := w.Aggregate(t.Context()); err != nil || string(raw) != want || !at.Equal(wantAt) {
			t.Errorf("stored list: %q of %v (%v), want %q of %v", raw, at, err, want, wantAt)
		}
	}
	keep("<one/>", now)
	kept("<one/>", now)
	keep("<two>\x00\xff</two>", now.Add(time.Hour))
	kept("<two>\x00\xff</two>", now.Add(time.Hour))
	keep("<slow/>", now.Add(time.Minute)) // from an instance that was slow
	kept("<two>\x00\xff</two>", now.Add(time.Hour))
	refused(t, w, "aggregate_pkey", `insert into aggregate (raw, fetched_at) values ('', now())`)
	refused(t, w, "aggregate_singleton_check", `insert into aggregate (singleton, raw, fetched_at) values (false, '', now())`)
}
