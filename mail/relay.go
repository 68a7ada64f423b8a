package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// Relay hands mails to an SMTP server over connections that are kept for the
// next mail: a new one with STARTTLS costs ten times the mail itself. It is
// safe for use by many goroutines; each connection carries one mail at a time.
type Relay struct {
	client *gomail.Client
	idle   chan connection
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

	timeout time.Duration // for tests
}

// A connection that has been idle for longer is not trusted: servers close
// them after some minutes. The timeouts together stay below the sender's for
// one attempt: one to ask whether a kept connection lives, one to make another,
// one to hand over the mail.
const (
	maxIdle     = 4
	idleFor     = 30 * time.Second
	pingTimeout = 2 * time.Second
	sendTimeout = 8 * time.Second
)

type connection struct {
	*smtp.Client
	since time.Time
}

// NewRelay prepares a relay; it connects when there is something to send.
func NewRelay(o RelayOptions) (*Relay, error) {
	options := []gomail.Option{gomail.WithPort(o.Port), gomail.WithTimeout(cmp.Or(o.timeout, sendTimeout)), gomail.WithTLSPolicy(gomail.TLSMandatory),
		gomail.WithoutNoop(), // connect asks, where there is reason to
		gomail.WithoutRset()} // a mail that was taken leaves nothing to reset
	if o.ImplicitTLS {
		options = append(options, gomail.WithSSL())
	}
	if o.TLS != nil {
		config := o.TLS.Clone()
		config.ServerName = o.Host
		options = append(options, gomail.WithTLSConfig(config))
	}
	if o.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(o.User), gomail.WithPassword(o.Password))
	}
	client, err := gomail.NewClient(o.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("preparing the relay: %w", err)
	}
	return &Relay{client: client, idle: make(chan connection, maxIdle)}, nil
}

// RefusedError is a relay's final no.
type RefusedError struct{ Reply string }

func (e *RefusedError) Error() string { return "the relay refused the mail: " + e.Reply }

// ErrFateUnknown is returned for a mail that was handed over whole, and whose
// taking the relay did not confirm in time. It may have been sent.
var ErrFateUnknown = errors.New("the relay did not say whether it took the mail")

// Send hands over one mail and returns the relay's reply. A RefusedError is
// final; any other error may pass. But for ErrFateUnknown nothing was sent.
func (r *Relay) Send(ctx context.Context, m *gomail.Msg) (string, error) {
	c, err := r.connect(ctx)
	if err != nil {
		return "", err
	}
	err = r.client.SendWithSMTPClient(c.Client, m)
	if m.IsDelivered() { // whatever fails after that does not undo it
		r.keep(c)
		return m.ServerResponse(), nil
	}
	c.Client.Close()
	var refused *gomail.SendError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode() >= 500 && refused.ErrorCode() < 600:
		return "", &RefusedError{Reply: reply(err)}
	case refused != nil && refused.Reason == gomail.ErrSMTPDataClose && refused.ErrorCode() == 0: // after the final dot
		return "", fmt.Errorf("%w: %s", ErrFateUnknown, reply(err))
	}
	return "", errors.New(reply(err))
}

// reply is what the relay said, without the recipient that the library adds:
// errors are logged.
func reply(err error) string {
	said, _, _ := strings.Cut(err.Error(), ", affected ")
	return said
}

// connect takes a connection that is still alive, or makes one.
func (r *Relay) connect(ctx context.Context) (connection, error) {
	for {
		select {
		case c := <-r.idle:
			young := time.Since(c.since) < idleFor
			if young && c.alive() {
				return c, nil
			}
			c.Client.Close()
			if young { // asked once is enough
				return r.dial(ctx)
			}
		default:
			return r.dial(ctx)
		}
	}
}

func (r *Relay) dial(ctx context.Context) (connection, error) {
	c, err := r.client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return connection{}, fmt.Errorf("reaching the relay: %w", err)
	}
	return connection{Client: c}, nil
}

func (c connection) alive() bool {
	return c.UpdateDeadline(pingTimeout) == nil && c.Noop() == nil
}

func (r *Relay) keep(c connection) {
	c.since = time.Now()
	select {
	case r.idle <- c:
	default:
		r.client.CloseWithSMTPClient(c.Client)
	}
}

// Close ends the idle connections.
func (r *Relay) Close() {
	for {
		select {
		case c := <-r.idle:
			r.client.CloseWithSMTPClient(c.Client)
		default:
			return
		}
	}
}
