package service

import (
	"net"
	"sync"
	"syscall"
)

// The maximum number of client connections of an instance. An idle connection costs
// about 20 kB of memory, and one open file.
const (
	maxClients = 16384
	otherFiles = 128 // for the database, the relays and everything else
)

// maxConns returns the maximum number of client connections for a limit of open files.
func maxConns(files uint64) int {
	if files < 2*otherFiles {
		return int(files / 2)
	}
	return int(min(files-otherFiles, maxClients))
}

// clientListener limits the number of client connections, so that enough open files
// are left to serve them. Further clients wait in the kernel's queue until a
// connection is closed, by the client or by a timeout.
type clientListener struct {
	*net.TCPListener
	slots      chan struct{} // one element for each connection
	closed     chan struct{}
	markClosed func()
}

func Listen(address string) (*clientListener, error) {
	var files syscall.Rlimit // the Go runtime has raised it to the hard limit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	closed := make(chan struct{})
	return &clientListener{TCPListener: l.(*net.TCPListener), slots: make(chan struct{}, maxConns(files.Cur)),
		closed: closed, markClosed: sync.OnceFunc(func() { close(closed) })}, nil
}

// Accept implements [net.Listener].
func (l *clientListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.AcceptTCP()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &clientConn{c, sync.OnceFunc(func() { <-l.slots })}, nil
}

// Close implements [net.Listener].
func (l *clientListener) Close() error {
	l.markClosed()
	return l.TCPListener.Close()
}

// clientConn is a connection that frees its slot when it is closed. It embeds
// *net.TCPConn, and not net.Conn, so that net/http can close it for writing first
// (CloseWrite): then a client that sent too much reads the answer and no reset.
type clientConn struct {
	*net.TCPConn
	release func()
}

// Close implements [net.Conn].
func (c *clientConn) Close() error {
	defer c.release()
	return c.TCPConn.Close()
}
