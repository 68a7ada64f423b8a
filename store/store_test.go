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

// concurrently calls f in twenty goroutines that start together.
func concurrently(f func(n int)) {
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

func TestOpen(t *testing.T) {
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
			t.Errorf("%q: at most %d connections, want %d", suffix, got, want)
		}
		var zone, name string
		storetest.Must(t, s.Pool().QueryRow(t.Context(), `select current_setting('timezone'), current_setting('application_name')`).
			Scan(&zone, &name))
		if zone != "UTC" || name != "stella" {
			t.Errorf("the connection has application name %s and time zone %s", name, zone)
		}
		storetest.Must(t, s.Ping(t.Context()))
		s.Close()
	}
	for name, url := range map[string]string{
		"an unreachable database": "postgres://stella:a+secret@127.0.0.1:1/stella?connect_timeout=1",
		"an invalid URL":          "postgres://stella:a+secret@[",
	} {
		if _, err := store.Open(t.Context(), url, nil); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
