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

// Relay sends mails to an SMTP server. It keeps connections for later mails,
// because a new one with STARTTLS costs ten times as much as the mail itself. It
// is safe for concurrent use. Each connection carries one mail at a time.
type Relay struct {
	options RelayOptions
	slots   chan struct{} // one element for each mail being sent
	outages outageLog

	mu   sync.Mutex
	idle []*connection // the most recently used last
}

// RelayOptions are the parameters of an SMTP server. TLS is mandatory: with
// STARTTLS, or implicit.
type RelayOptions struct {
	Host        string
	Port        int
	ImplicitTLS bool
	User        string // empty for no authentication
	Password    string
	TLS         *tls.Config // with the root certificates; nil for the system's

	// Name is the domain name in EHLO. If it is empty, EHLO contains the address
	// literal of the connection (RFC 5321, section 4.1.4).
	Name string

	timeout time.Duration // for one mail; tests set a shorter one
	idleFor time.Duration // as the constant; tests set a shorter one
}

const (
	// maxConnections is the maximum number of connections to one relay: one for
	// each sender, so that none waits. Two instances together use fewer than 50,
	// the default limit of Postfix for one client.
	maxConnections = codeSenders + mailSenders + pecSenders

	// A connection is closed if it is idle for longer than idleFor: servers close
	// idle connections after some minutes, without notice.
	idleFor     = 30 * time.Second
	pingTimeout = 2 * time.Second

	// sendTimeout is the time for one mail. At least a third of it is reserved
	// for the reply to the final dot, and time that the earlier commands did not
	// use is added: a client that gives up too early sends the mail twice
	// (RFC 5321, section 4.5.3.2.6).
	sendTimeout = 15 * time.Second
)

func (o RelayOptions) address() string { return net.JoinHostPort(o.Host, strconv.Itoa(o.Port)) }

// NewRelay returns a relay. It connects when the first mail is sent.
func NewRelay(o RelayOptions) *Relay {
	o.timeout, o.idleFor = cmp.Or(o.timeout, sendTimeout), cmp.Or(o.idleFor, idleFor)
	if o.TLS == nil {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	o.TLS = o.TLS.Clone()
	o.TLS.ServerName = o.Host
	return &Relay{options: o, slots: make(chan struct{}, maxConnections)}
}

// Send sends one mail and returns the relay's reply, or the failure. The
// addresses are without angle brackets.
func (r *Relay) Send(ctx context.Context, from, to string, message []byte) (reply string, f *Failure) {
	if strings.ContainsFunc(to, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "", &Failure{recipient, errNotASCII}
	}
	ctx, cancel := context.WithTimeout(ctx, r.options.timeout)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
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
		r.putIdle(c)
	} else {
		c.Close()
	}
	return reply, f
}

// connect returns an idle connection that still works, or a new one.
func (r *Relay) connect(ctx context.Context, until time.Time) (*connection, error) {
	if c := r.takeIdle(); c != nil {
		if c.alive() {
			return c, nil
		}
		for ; c != nil; c = r.takeIdle() { // one lost connection means that the others are lost too
			c.Close()
		}
	}
	return dial(ctx, r.options, until)
}

// takeIdle removes and returns an idle connection, or returns nil.
func (r *Relay) takeIdle() *connection {
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

// putIdle keeps a connection for the next mail, for at most idleFor.
func (r *Relay) putIdle(c *connection) {
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
	if i >= 0 { // it was still idle
		c.quit()
	}
}

// Close closes the idle connections.
func (r *Relay) Close() {
	for c := r.takeIdle(); c != nil; c = r.takeIdle() {
		c.quit()
	}
}
