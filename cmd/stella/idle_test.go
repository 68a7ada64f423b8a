package main

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"stella/store/storetest"
)

// Thousands of clients that say nothing more, or never end what they began,
// cost little memory, and the others are served as before.
func TestIdleAndSlowClientsHoldNothingUp(t *testing.T) {
	t.Parallel()
	const clients = 2000
	c := goodConfig(t)
	c.URL, c.Metrics = storetest.URL(t), "127.0.0.1:0"
	s := serveProcess(t, c)
	s.get("/start/unheard")
	before := s.gauge("process_resident_memory_bytes")
	for i := range clients {
		conn, err := net.Dial("tcp", s.listen)
		storetest.Must(t, err)
		t.Cleanup(func() { conn.Close() })
		if i%2 == 0 { // one that was served, and stays
			io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: id.example\r\n\r\n")
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Fatalf("client %d: %v", i, err)
			}
			continue
		}
		io.WriteString(conn, "POST /avvio HTTP/1.1\r\nHost: id.exam") // one that is slow
	}
	began := time.Now()
	if code, _ := s.get("/start/unheard"); code != 410 || time.Since(began) > 2*time.Second {
		t.Errorf("%d after %v", code, time.Since(began))
	}
	each := (s.gauge("process_resident_memory_bytes") - before) / clients
	t.Logf("%.0f bytes for each of %d connections", each, clients)
	if each > 160<<10 { // 17 kB, and 84 with the race detector
		t.Errorf("each connection takes %.0f bytes", each)
	}
	if goroutines := s.gauge("go_goroutines"); goroutines > clients*2 {
		t.Errorf("%.0f goroutines for %d connections", goroutines, clients)
	}
	if n := s.gauge(`stella_database_connections{state="most"}`); n != 20 {
		t.Errorf("the pool may have %.0f connections", n)
	}
}

// What is too long is refused before it is read.
func TestALongHeaderIsRefused(t *testing.T) {
	t.Parallel()
	c := goodConfig(t)
	c.URL = storetest.URL(t)
	s := serveProcess(t, c)
	if code, _ := s.get("/", "X-Long", strings.Repeat("x", 2*maxHeader)); code != 431 {
		t.Errorf("%d", code)
	}
}
