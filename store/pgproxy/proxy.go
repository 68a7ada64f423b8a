// Package pgproxy contains a proxy between a program and PostgreSQL, for tests and
// benchmarks. It counts round trips, and can make each of them longer.
//
//	proxy.go  the proxy
package pgproxy

import (
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy listens on a port of loopback, and forwards to the unix socket of a server. A
// round trip is counted when the program sends something after the server has answered.
type Proxy struct {
	listener net.Listener
	socket   string
	latency  time.Duration
	trips    atomic.Int64
}

// New starts a proxy to the server of a database's URL, which must name the folder of a
// unix socket. It adds a latency to each round trip.
func New(databaseURL string, latency time.Duration) (*Proxy, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := u.Query()
	p := &Proxy{listener: l, latency: latency, socket: filepath.Join(server.Get("host"), ".s.PGSQL."+server.Get("port"))}
	go p.serve()
	return p, nil
}

// URL returns the URL of a database of that server behind the proxy.
func (p *Proxy) URL(databaseURL string) (string, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Del("host")
	q.Del("port")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = p.listener.Addr().String(), q.Encode()
	return u.String(), nil
}

// RoundTrips returns the number of round trips so far.
func (p *Proxy) RoundTrips() int64 { return p.trips.Load() }

// Close stops listening. Open connections stay open.
func (p *Proxy) Close() error { return p.listener.Close() }

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // the proxy is closed
		}
		server, err := net.Dial("unix", p.socket)
		if err != nil {
			client.Close()
			continue
		}
		var answered atomic.Bool
		answered.Store(true)
		var both sync.WaitGroup
		both.Go(func() {
			forward(client, server, func() {
				if answered.Swap(false) {
					p.trips.Add(1)
					time.Sleep(p.latency)
				}
			})
		})
		both.Go(func() { forward(server, client, func() { answered.Store(true) }) })
		go func() {
			both.Wait()
			client.Close()
			server.Close()
		}()
	}
}

// forward copies data until a side closes. before is called before each write.
func forward(from, to net.Conn, before func()) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			before()
			if _, err := to.Write(b[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	from.Close()
	to.Close()
}
