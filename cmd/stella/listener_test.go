package main

import (
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"stella/store/storetest"
)

// connect makes clients, each of which sends something and does no more. Those
// who are to be answered are waited for.
func (s *served) connect(clients int, answered bool, sends string) (conns []net.Conn) {
	s.t.Helper()
	narrow := &net.Dialer{Control: func(_, _ string, c syscall.RawConn) error { // with little room for what it does not read
		return c.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}}
	for i := range clients {
		conn, err := narrow.DialContext(s.t.Context(), "tcp", s.listen)
		storetest.Must(s.t, err)
		s.t.Cleanup(func() { conn.Close() })
		io.WriteString(conn, sends)
		if answered {
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				s.t.Fatalf("client %d: %v", i, err)
			}
		}
		conns = append(conns, conn)
	}
	return conns
}

const (
	whole      = "GET /healthz HTTP/1.1\r\nHost: id.example\r\n\r\n"
	halfHeader = "POST /avvio HTTP/1.1\r\nHost: id.exam"
	halfBody   = "POST /spid/acs HTTP/1.1\r\nHost: id.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nSAMLResponse=P"
	page       = "GET / HTTP/1.1\r\nHost: id.example\r\n\r\n"
)

// Thousands of clients that say nothing more, or never end what they began, or
// do not read what they asked for, cost little memory and nothing of the
// database, and the others are served as before.
func TestIdleAndSlowClientsHoldNothingUp(t *testing.T) {
	t.Parallel()
	const clients = 2000
	c := goodConfig(t)
	c.URL, c.Metrics = storetest.URL(t), "127.0.0.1:0"
	s := serveProcess(t, c)
	s.get("/start/unheard")
	before := s.gauge("process_resident_memory_bytes")
	s.connect(clients/2, true, whole)
	s.connect(clients/4, false, halfHeader)
	s.connect(clients/4-20, false, halfBody)
	s.connect(20, true, strings.Repeat(page, 100))
	if code, _ := s.get("/start/unheard"); code != 410 {
		t.Errorf("a page meanwhile: %d", code)
	}
	each := (s.gauge("process_resident_memory_bytes") - before) / clients
	t.Logf("%.0f bytes for each of %d connections", each, clients)
	if each > 160<<10 { // 20 kB, and 84 with the race detector
		t.Errorf("each connection takes %.0f bytes", each)
	}
	if goroutines := s.gauge("go_goroutines"); goroutines > clients*2 {
		t.Errorf("%.0f goroutines for %d connections", goroutines, clients)
	}
	if n := s.gauge(`stella_database_connections{state="most"}`); n != 20 {
		t.Errorf("the pool may have %.0f connections", n)
	}
	if n := s.gauge(`stella_database_connections{state="used"}`); n > 10 { // LISTEN, and what the queue just does
		t.Errorf("%.0f connections of the database are in use", n)
	}
}

// With as many clients as there is room for, those who are connected are served
// with all that it takes, and the next when there is room again.
func TestThereIsRoomForNoMoreClients(t *testing.T) {
	t.Parallel()
	const files, room = 200, 100
	c := goodConfig(t)
	c.URL, c.Metrics = storetest.URL(t), "127.0.0.1:0"
	command := program(t, environ(c), "serve")
	command.Args = append([]string{"sh", "-c", `ulimit -n "$0" && exec "$@"`, "200", command.Path}, command.Args[1:]...)
	command.Path = "/bin/sh"
	s := waitFor(t, command)
	served := s.connect(room, true, whole)
	waiting := s.connect(2*files, false, whole)
	if open := s.gauge("process_open_fds"); open >= files-20 {
		t.Errorf("%.0f of %d files are open", open, files)
	}
	first, last := waiting[0], served[len(served)-1]
	last.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(last, "GET /start/unheard HTTP/1.1\r\nHost: id.example\r\n\r\n")
	var answer strings.Builder
	for buffer := make([]byte, 1024); !strings.Contains(answer.String(), "HTTP/1.1 410 "); {
		n, err := last.Read(buffer)
		if err != nil {
			t.Fatalf("who is connected gets no page: %v", err)
		}
		answer.Write(buffer[:n])
	}
	first.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("there was room for one more")
	}
	served[0].Close()
	first.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := first.Read(make([]byte, 1)); err != nil {
		t.Errorf("who waited is not served: %v", err)
	}
	if strings.Contains(s.log(), "too many open files") {
		t.Errorf("the log:\n%s", s.log())
	}
}

func TestHowManyClientsThereIsRoomFor(t *testing.T) {
	t.Parallel()
	for files, want := range map[uint64]int{64: 32, 1024: 896, 65536: maxClients, 1 << 63: maxClients} {
		if got := roomFor(files); got != want {
			t.Errorf("%d of %d files, want %d", got, files, want)
		}
	}
}

// What is too long is refused before it is read.
func TestALongHeaderIsRefused(t *testing.T) {
	t.Parallel()
	c := goodConfig(t)
	c.URL = storetest.URL(t)
	s := serveProcess(t, c)
	if code, _ := s.get("/", "X-Long", strings.Repeat("x", maxHeader+5000)); code != 431 {
		t.Errorf("%d", code)
	}
}
