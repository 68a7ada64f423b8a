package main

import (
	"context"
	"net"
	"sync"
	"time"
)

// A link stands between two parts and carries what they say to each other, or
// does not: it can be cut, held up, slowed down and made deaf to answers.
type link struct {
	name string
	net.Listener
	dial func() (net.Conn, error)

	mu     sync.Mutex
	pairs  map[*pair]bool
	opened chan struct{} // closed when what is held up may go on; nil if nothing is
	mute   bool          // answers are swallowed
	delay  time.Duration // of each piece, in each direction
}

// A pair is a connection on both its sides.
type pair struct {
	client, server net.Conn
	lost           bool // by the network: neither side hears of the other again
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

// join connects a client with the other side; one that is not there resets it.
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
	both.Go(func() { k.carry(p, client, server, false) })
	both.Go(func() { k.carry(p, server, client, true) })
	both.Wait()
	k.mu.Lock()
	delete(k.pairs, p)
	k.mu.Unlock()
}

// carry passes on what one side says, until either is gone. What was read
// before the link was held up or lost is treated like what comes after.
func (k *link) carry(p *pair, from, to net.Conn, answers bool) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		opened, mute, delay, lost := k.condition(p)
		if lost {
			return // the other side is not told
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

// cut ends every connection.
func (k *link) cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for p := range k.pairs {
		p.client.Close()
		p.server.Close()
	}
}

// stall holds everything up for a while, and then passes it on.
func (k *link) stall(ctx context.Context, span time.Duration) {
	opened := make(chan struct{})
	k.set(func() { k.opened = opened })
	pause(ctx, span)
	k.set(func() { k.opened = nil })
	close(opened)
}

// deafen swallows all answers for a while, and then cuts: whatever was asked
// for in that time was done, and nobody was told.
func (k *link) deafen(ctx context.Context, span time.Duration) {
	k.set(func() { k.mute = true })
	pause(ctx, span)
	k.set(func() { k.mute = false })
	k.cut()
}

// slow delays every piece for a while: by 20 to 160 ms, where that is one second
// to eight.
func (k *link) slow(ctx context.Context, span time.Duration) {
	k.set(func() { k.delay = span / 50 })
	pause(ctx, span)
	k.set(func() { k.delay = 0 })
}

// forget drops the connections there are without a word to either side, as a
// firewall does that forgot them, or a machine that lost its power. New ones
// work. Both sides are told when tell is called.
func (k *link) forget() (tell func()) {
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
