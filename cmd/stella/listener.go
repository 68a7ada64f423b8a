package main

import (
	"net"
	"sync"
	"syscall"
)

// How many clients are connected to one instance at once. One costs some 20 kB
// while it is idle, and an open file.
const (
	maxClients = 16384
	otherFiles = 128 // the database's connections, the relays', all the rest
)

// roomFor is how many clients an instance with so many files has room for.
func roomFor(files uint64) int {
	if files < 2*otherFiles {
		return int(files / 2)
	}
	return int(min(files-otherFiles, maxClients))
}

// clientListener takes no more clients than there are files for beside all else
// that needs one: otherwise those who are connected could not be served. Whoever
// comes then waits in the system's queue until another has left, or was ended
// for being slow or idle.
type clientListener struct {
	*net.TCPListener
	room   chan struct{} // holds one for each client
	closed chan struct{}
	close  func()
}

func listen(address string) (*clientListener, error) {
	var files syscall.Rlimit // which the runtime has raised as far as it may
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	closed := make(chan struct{})
	return &clientListener{TCPListener: l.(*net.TCPListener), room: make(chan struct{}, roomFor(files.Cur)),
		closed: closed, close: sync.OnceFunc(func() { close(closed) })}, nil
}

// Accept implements [net.Listener].
func (l *clientListener) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.AcceptTCP()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &taken{c, sync.OnceFunc(func() { <-l.room })}, nil
}

// Close implements [net.Listener].
func (l *clientListener) Close() error {
	l.close()
	return l.TCPListener.Close()
}

// taken is a connection that gives its room back. It is TCP still, to be closed
// by halves: who sent too much reads that answer, and is not reset.
type taken struct {
	*net.TCPConn
	leave func()
}

// Close implements [net.Conn].
func (c *taken) Close() error {
	defer c.leave()
	return c.TCPConn.Close()
}
