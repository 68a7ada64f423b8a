package main

import (
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"stella/store/storetest"
)

// A balancer hears three times that this instance leaves, and meanwhile nobody
// it sent is refused.
func TestABalancerIsToldBeforeConnectionsAreRefused(t *testing.T) {
	t.Parallel()
	c := goodConfig(t)
	c.URL = storetest.URL(t)
	s := serveProcess(t, c)
	for range 2 {
		if code, body := s.get("/readyz"); code != 200 {
			t.Fatalf("%d %s", code, body)
		}
	}
	storetest.Must(t, s.Process.Signal(syscall.SIGTERM))
	storetest.Eventually(t, "it says that it stops", func() bool {
		code, body := s.get("/readyz")
		return code == 503 && strings.Contains(body, `"stopping"`)
	})
	for range 2 {
		if code, _ := s.get("/readyz"); code != 503 {
			t.Errorf("it is ready again: %d", code)
		}
		if code, _ := s.get("/start/unheard"); code != 410 { // a page that asks the database
			t.Errorf("a page meanwhile: %d", code)
		}
	}
	s.get("/readyz")
	s.wait()
}

// How long a service that stops goes on to be there: until a balancer knows, and
// no longer than it may take to know.
func TestAFarewellEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		asks  []time.Duration // before the end
		again int             // how often a balancer asks afterwards, each second
		want  time.Duration
	}{
		{"a balancer hears it three times", []time.Duration{2 * time.Second, time.Second}, farewells, farewells * time.Second},
		{"a balancer falls silent", []time.Duration{2 * time.Second, time.Second}, farewells - 1, farewellTime},
		{"nobody asks", nil, 0, 0},
		{"somebody asked once", []time.Duration{time.Second}, 0, 0},
		{"a balancer asked long ago", []time.Duration{farewellTime + time.Second, farewellTime}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var f farewell
				end := time.Now().Add(time.Hour)
				for _, before := range test.asks {
					time.Sleep(time.Until(end.Add(-before)))
					if f.ask(time.Now()) {
						t.Error("it leaves before its end")
					}
				}
				time.Sleep(time.Until(end))
				go func() {
					for range test.again {
						time.Sleep(time.Second)
						if !f.ask(time.Now()) {
							t.Error("it is ready again")
						}
					}
				}()
				f.say()
				if took := time.Since(end); took != test.want {
					t.Errorf("it ends after %v, want %v", took, test.want)
				}
			})
		})
	}
}
