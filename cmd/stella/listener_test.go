package main

import (
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

// connect opens connections. Each sends a text and does nothing more. If answered is
// set, connect waits for the first byte of each answer.
func (s *serviceProcess) connect(clients int, answered bool, sends string) (conns []net.Conn) {
	s.t.Helper()
	narrow := &net.Dialer{Control: func(_, _ string, c syscall.RawConn) error { // a small receive buffer
		return c.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}}
	for i := range clients {
		conn, err := narrow.DialContext(s.t.Context(), "tcp", s.addr)
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

// Thousands of clients that are idle, do not finish a request or do not read the
// answer cost little memory and no database connection. Other clients are served.
func TestIdleAndSlowClients(t *testing.T) {
	t.Parallel()
	const clients = 2000
	c := programtest.GoodConfig(t)
	c.URL, c.Metrics = storetest.URL(t), "127.0.0.1:0"
	s := startService(t, c)
	s.get("/start/unknown")
	before := s.gauge("process_resident_memory_bytes")
	s.connect(clients/2, true, programtest.Whole)
	s.connect(clients/4, false, programtest.HalfHeader)
	s.connect(clients/4-20, false, programtest.HalfBody)
	s.connect(20, true, strings.Repeat(programtest.Page, 100))
	if code, _ := s.get("/start/unknown"); code != 410 {
		t.Errorf("a page for another client: %d", code)
	}
	each := (s.gauge("process_resident_memory_bytes") - before) / clients
	t.Logf("%.0f bytes for each of %d connections", each, clients)
	if each > 160<<10 { // 20 kB; 84 kB with the race detector
		t.Errorf("each connection costs %.0f bytes", each)
	}
	if goroutines := s.gauge("go_goroutines"); goroutines > clients*2 {
		t.Errorf("%.0f goroutines for %d connections", goroutines, clients)
	}
	if n := s.gauge(`stella_database_connections{state="most"}`); n != 20 {
		t.Errorf("the pool may have %.0f connections", n)
	}
	if n := s.gauge(`stella_database_connections{state="used"}`); n > 10 { // LISTEN and the queue
		t.Errorf("%.0f connections of the database are in use", n)
	}
}

// With the maximum number of connections, the connected clients are served, and the
// next client is served when a connection is closed.
func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	const files, room = 200, 100
	c := programtest.GoodConfig(t)
	c.URL, c.Metrics = storetest.URL(t), "127.0.0.1:0"
	command := program(t, programtest.Environ(c), "serve")
	command.Args = append([]string{"sh", "-c", `ulimit -n "$0" && exec "$@"`, "200", command.Path}, command.Args[1:]...)
	command.Path = "/bin/sh"
	s := startCommand(t, command)
	served := s.connect(room, true, programtest.Whole)
	waiting := s.connect(2*files, false, programtest.Whole)
	if open := s.gauge("process_open_fds"); open >= files-20 {
		t.Errorf("%.0f of %d files are open", open, files)
	}
	first, last := waiting[0], served[len(served)-1]
	last.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(last, "GET /start/unknown HTTP/1.1\r\nHost: id.example\r\n\r\n")
	var answer strings.Builder
	for buffer := make([]byte, 1024); !strings.Contains(answer.String(), "HTTP/1.1 410 "); {
		n, err := last.Read(buffer)
		if err != nil {
			t.Fatalf("a connected client gets no page: %v", err)
		}
		answer.Write(buffer[:n])
	}
	first.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("a client over the limit is served")
	}
	served[0].Close()
	first.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := first.Read(make([]byte, 1)); err != nil {
		t.Errorf("a waiting client is not served: %v", err)
	}
	if strings.Contains(s.log(), "too many open files") {
		t.Errorf("the log:\n%s", s.log())
	}
}

// A long header is refused before it is read to the end.
func TestLongHeaderIsRefused(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	c.URL = storetest.URL(t)
	s := startService(t, c)
	if code, _ := s.get("/", "X-Long", strings.Repeat("x", 40<<10)); code != 431 {
		t.Errorf("%d", code)
	}
}
