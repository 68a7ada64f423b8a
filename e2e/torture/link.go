package main

import (
	"context"
	"net"
	"sync"
	"time"
)

// A link is a TCP proxy between two parts. It can be cut, stalled and slowed down, it
// can lose answers, and it can drop connections silently.
type link struct {
	name string
	net.Listener
	dial func() (net.Conn, error)

	mu     sync.Mutex
	pairs  map[*pair]bool
	opened chan struct{} // closed at the end of a stall; nil without a stall
	mute   bool          // answers are dropped
	delay  time.Duration // of each chunk, in each direction
}

// A pair is a proxied connection.
type pair struct {
	client, server net.Conn
	lost           bool // dropped silently: nothing is forwarded any more
}

func newLink(name string, dial func() (net.Conn, error)) (*link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k := &link{name: name, Listener: l, dial: dial, pairs: map[*pair]bool{}}
	go k.serve()
	return k, nil
}

func (k *link) address() string { return k.Addr().String() }

func (k *link) serve() {
	for {
		client, err := k.Accept()
		if err != nil {
			return
		}
		go k.join(client)
	}
}

// join connects a client with the server. If the server is down, it resets the
// client's connection.
func (k *link) join(client net.Conn) {
	server, err := k.dial()
	if err != nil {
		client.(*net.TCPConn).SetLinger(0)
		client.Close()
		return
	}
	p := &pair{client: client, server: server}
	k.mu.Lock()
	k.pairs[p] = true
	k.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { k.forward(p, client, server, false) })
	both.Go(func() { k.forward(p, server, client, true) })
	both.Wait()
	k.mu.Lock()
	delete(k.pairs, p)
	k.mu.Unlock()
}

// forward copies data from one side to the other until a side closes. A fault also
// affects data that was read before the fault began.
func (k *link) forward(p *pair, from, to net.Conn, answers bool) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		opened, mute, delay, lost := k.condition(p)
		if lost {
			return // the other side is not closed
		}
		if opened != nil {
			<-opened
		}
		time.Sleep(delay)
		if !mute || !answers {
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

func (k *link) condition(p *pair) (opened chan struct{}, mute bool, delay time.Duration, lost bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.opened, k.mute, k.delay, p.lost
}

// cut closes all connections.
func (k *link) cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for p := range k.pairs {
		p.client.Close()
		p.server.Close()
	}
}

// stall holds all data back for a time, and then forwards it.
func (k *link) stall(ctx context.Context, span time.Duration) {
	opened := make(chan struct{})
	k.set(func() { k.opened = opened })
	pause(ctx, span)
	k.set(func() { k.opened = nil })
	close(opened)
}

// dropReplies drops all answers for a time, and then cuts: requests in that time
// were executed, but their clients do not get the answers.
func (k *link) dropReplies(ctx context.Context, span time.Duration) {
	k.set(func() { k.mute = true })
	pause(ctx, span)
	k.set(func() { k.mute = false })
	k.cut()
}

// slow delays every chunk for a time span by a fiftieth of that span, for example by
// 20 ms for one second.
func (k *link) slow(ctx context.Context, span time.Duration) {
	k.set(func() { k.delay = span / 50 })
	pause(ctx, span)
	k.set(func() { k.delay = 0 })
}

// dropSilently drops all current connections without closing them, like a firewall
// that loses its state or a machine that loses its power. New connections work.
// closeAll closes both sides of the dropped connections.
func (k *link) dropSilently() (closeAll func()) {
	var lost []*pair
	k.set(func() {
		for p := range k.pairs {
			p.lost = true
			lost = append(lost, p)
		}
	})
	return func() {
		for _, p := range lost {
			p.client.Close()
			p.server.Close()
		}
	}
}

func (k *link) set(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}
