package main

import (
	"strings"
	"syscall"
	"testing"
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
	eventually(t, "it says that it stops", func() bool {
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
	asked := time.Now()
	s.get("/readyz")
	s.wait()
	if took := time.Since(asked); took > farewellTime/2 {
		t.Errorf("it waited for %v after everybody knew", took)
	}
}
