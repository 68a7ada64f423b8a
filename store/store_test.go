package store_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"stella/store"
	"stella/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

func newWorld(t *testing.T) *storetest.World {
	t.Helper()
	t.Parallel()
	return storetest.NewWorld(t)
}

// atOnce calls f twenty times at once.
func atOnce(f func(n int)) {
	var all sync.WaitGroup
	begin := make(chan bool)
	for n := range 20 {
		all.Go(func() {
			<-begin
			f(n)
		})
	}
	close(begin)
	all.Wait()
}

func TestTheConnections(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	for suffix, want := range map[string]int32{"": 20, "pool_max_conns=3": 3} {
		u := url
		if suffix != "" {
			sep := "?"
			if strings.Contains(u, "?") {
				sep = "&"
			}
			u += sep + suffix
		}
		s, err := store.Open(t.Context(), u, nil)
		storetest.Must(t, err)
		if got := s.Pool().Config().MaxConns; got != want {
			t.Errorf("%q: %d connections at most, want %d", suffix, got, want)
		}
		var zone, name string
		storetest.Must(t, s.Pool().QueryRow(t.Context(), `select current_setting('timezone'), current_setting('application_name')`).Scan(&zone, &name))
		if zone != "UTC" || name != "stella" {
			t.Errorf("a connection of %s in %s", name, zone)
		}
		storetest.Must(t, s.Ping(t.Context()))
		s.Close()
	}
	if _, err := store.Open(t.Context(), "postgres://stella:a+secret@127.0.0.1:1/stella?connect_timeout=1", nil); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a database that is not there: %v", err)
	}
	if _, err := store.Open(t.Context(), "postgres://stella:a+secret@[", nil); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a URL that is none: %v", err)
	}
}
