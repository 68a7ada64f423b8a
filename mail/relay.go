package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Relay hands mails to an SMTP server over connections that are kept for the
// next mail: a new one with STARTTLS costs ten times the mail itself. It is
// safe for use by many goroutines; each connection carries one mail at a time.
type Relay struct {
	options RelayOptions
	using   chan struct{} // holds one for each mail under way
	trouble trouble

	mu   sync.Mutex
	idle []*connection // the one used last at the end
}

// RelayOptions say how an SMTP server is reached. TLS is mandatory: by
// STARTTLS, or from the first byte.
type RelayOptions struct {
	Host        string
	Port        int
	ImplicitTLS bool
	User        string // empty for a relay that asks for none
	Password    string
	TLS         *tls.Config // roots of the relay's own; nil for the system's

	// Name is the domain name in EHLO. Without one, EHLO has the address literal
	// of the connection (RFC 5321, section 4.1.4).
	Name string

	timeout time.Duration // of one mail; tests have less
	idleFor time.Duration // the same
}

const (
	// maxConnections bounds those to one relay: one for each sender, so that
	// none waits. Two instances together stay below what Postfix grants one
	// client by default, which is 50.
	maxConnections = codeSenders + mailSenders + pecSenders

	// A connection that has been idle for longer is ended: servers do it
	// themselves after some minutes, and do not say so.
	idleFor     = 30 * time.Second
	pingTimeout = 2 * time.Second

	// One mail takes no longer than sendTimeout, and a third of that is kept
	// for the relay's answer to the final dot. RFC 5321, section 4.5.3.2.6, asks
	// for patience there, since whoever leaves too early sends twice; so all
	// that the verbs before it did not need is waited too.
	sendTimeout = 15 * time.Second
)

func (o RelayOptions) address() string { return net.JoinHostPort(o.Host, strconv.Itoa(o.Port)) }

// NewRelay prepares a relay; it connects when there is something to send.
func NewRelay(o RelayOptions) *Relay {
	o.timeout, o.idleFor = cmp.Or(o.timeout, sendTimeout), cmp.Or(o.idleFor, idleFor)
	if o.TLS == nil {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	o.TLS = o.TLS.Clone()
	o.TLS.ServerName = o.Host
	return &Relay{options: o, using: make(chan struct{}, maxConnections)}
}

// Send hands over one mail and returns the relay's reply, or how it failed.
func (r *Relay) Send(ctx context.Context, from, to string, message []byte) (reply string, f *Failure) {
	if strings.ContainsFunc(to, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "", &Failure{recipient, errNotASCII}
	}
	ctx, cancel := context.WithTimeout(ctx, r.options.timeout)
	defer cancel()
	select {
	case r.using <- struct{}{}:
		defer func() { <-r.using }()
	case <-ctx.Done():
		return "", &Failure{connecting, errors.New("all connections to the relay are in use")}
	}
	end, _ := ctx.Deadline()
	dot := end.Add(-r.options.timeout / 3)
	c, err := r.connect(ctx, dot)
	if err != nil {
		return "", &Failure{connecting, err}
	}
	reply, f = c.deliver(from, to, message, dot, end)
	if f == nil || f.answered() && c.Reset() == nil {
		r.keep(c)
	} else {
		c.Close()
	}
	return reply, f
}

// connect takes a connection that is still alive, or makes one.
func (r *Relay) connect(ctx context.Context, until time.Time) (*connection, error) {
	if c := r.take(); c != nil {
		if c.alive() {
			return c, nil
		}
		for ; c != nil; c = r.take() { // what ended one ended all
			c.Close()
		}
	}
	return dial(ctx, r.options, until)
}

func (r *Relay) take() *connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.idle) == 0 {
		return nil
	}
	last := len(r.idle) - 1
	c := r.idle[last]
	r.idle = r.idle[:last]
	c.expiry.Stop()
	return c
}

func (r *Relay) keep(c *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, c)
	c.expiry = time.AfterFunc(r.options.idleFor, func() { r.expire(c) })
}

func (r *Relay) expire(c *connection) {
	r.mu.Lock()
	i := slices.Index(r.idle, c)
	if i >= 0 {
		r.idle = slices.Delete(r.idle, i, i+1)
	}
	r.mu.Unlock()
	if i >= 0 { // nobody took it meanwhile
		c.quit()
	}
}

// Close ends the idle connections.
func (r *Relay) Close() {
	for c := r.take(); c != nil; c = r.take() {
		c.quit()
	}
}
