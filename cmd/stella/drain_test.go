package main

import (
	"strings"
	"syscall"
	"testing"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

// A balancer receives three failures of the probe before connections are refused.
func TestReadinessFailsBeforeConnectionsAreRefused(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	c.URL = storetest.URL(t)
	s := startService(t, c)
	for range 2 {
		if code, body := s.get("/readyz"); code != 200 {
			t.Fatalf("%d %s", code, body)
		}
	}
	storetest.Must(t, s.Process.Signal(syscall.SIGTERM))
	storetest.Eventually(t, "the probe fails", func() bool {
		code, body := s.get("/readyz")
		return code == 503 && strings.Contains(body, `"stopping"`)
	})
	for range 2 {
		if code, _ := s.get("/readyz"); code != 503 {
			t.Errorf("the service is ready again: %d", code)
		}
		if code, _ := s.get("/start/unknown"); code != 410 { // a page that reads the database
			t.Errorf("a page during the drain: %d", code)
		}
	}
	s.get("/readyz")
	s.waitForExit()
}
