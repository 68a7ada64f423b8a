package main

import (
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// A proxy is between a program and PostgreSQL. It counts round trips: how often the
// program sends something after PostgreSQL has answered. It needs CPU of the driver.
type proxy struct {
	listener net.Listener
	socket   string        // PostgreSQL's unix socket
	latency  time.Duration // added to each round trip
	turns    atomic.Int64
}

// newProxy starts a proxy to a cluster.
func newProxy(c *cluster, latency time.Duration) (*proxy, error) {
	u, err := url.Parse(c.URL("postgres"))
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, latency: latency, socket: filepath.Join(u.Query().Get("host"), ".s.PGSQL."+u.Query().Get("port"))}
	go p.serve()
	return p, nil
}

// databaseURL returns the URL of a database behind the proxy.
func (p *proxy) databaseURL(name string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Host: p.listener.Addr().String(), Path: "/" + name,
		RawQuery: "sslmode=disable"}
	return u.String()
}

func (p *proxy) serve() {
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
					p.turns.Add(1)
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
