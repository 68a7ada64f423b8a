package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// connection is one to a relay that has let us in.
type connection struct {
	*smtp.Client
	expiry *time.Timer // while idle
}

// dial makes a connection, until a deadline that covers all of it.
func dial(ctx context.Context, o RelayOptions, until time.Time) (*connection, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	connect := new(net.Dialer).DialContext
	if o.ImplicitTLS {
		connect = (&tls.Dialer{Config: o.TLS}).DialContext
	}
	conn, err := connect(ctx, "tcp", o.address())
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(until)
	client, err := smtp.NewClient(conn, o.Host) // which closes it on error
	if err != nil {
		return nil, err
	}
	o.Name = cmp.Or(o.Name, addressLiteral(conn.LocalAddr()))
	if err := enter(client, o); err != nil {
		client.Close()
		return nil, err
	}
	return &connection{Client: client}, nil
}

// addressLiteral writes an address as RFC 5321, section 4.1.3, has it in place
// of a domain name.
func addressLiteral(a net.Addr) string {
	ip := netip.MustParseAddrPort(a.String()).Addr().Unmap().WithZone("")
	if ip.Is6() {
		return "[IPv6:" + ip.String() + "]"
	}
	return "[" + ip.String() + "]"
}

var (
	errNoTLS  = errors.New("the relay offers no STARTTLS")
	errNoAuth = errors.New("the relay offers neither AUTH PLAIN nor AUTH LOGIN")

	// Addresses are ASCII, their domains too (see workflow.ParseAddress): a
	// relay further on may not know SMTPUTF8, and would send the mail back.
	errNotASCII = errors.New("the address is not written in ASCII")
)

// enter says who we are, in clear no more than that.
func enter(c *smtp.Client, o RelayOptions) error {
	c.SkipSMTPUTF8(true)
	if err := c.Hello(o.Name); err != nil {
		return err
	}
	if !o.ImplicitTLS {
		if offered, _ := c.Extension("STARTTLS"); !offered {
			return errNoTLS
		}
		if err := c.StartTLS(o.TLS); err != nil {
			return err
		}
	}
	if o.User == "" {
		return nil
	}
	_, offered := c.Extension("AUTH")
	switch mechanisms := strings.Fields(offered); {
	case slices.Contains(mechanisms, "PLAIN"):
		return c.Auth(smtp.PlainAuth("", o.User, o.Password, o.Host, false))
	case slices.Contains(mechanisms, "LOGIN"):
		return c.Auth(smtp.LoginAuth(o.User, o.Password, o.Host, false))
	}
	return errNoAuth
}

// deliver hands over one mail: all but the answer to the final dot until dot,
// and that until end.
func (c *connection) deliver(from, to string, message []byte, dot, end time.Time) (reply string, f *Failure) {
	if err := c.UpdateDeadline(time.Until(dot)); err != nil {
		return "", &Failure{connecting, err}
	}
	if err := c.Mail("<" + from + ">"); err != nil {
		return "", &Failure{sender, err}
	}
	if err := c.Rcpt("<" + to + ">"); err != nil {
		return "", &Failure{recipient, err}
	}
	w, err := c.Data()
	if err != nil {
		return "", &Failure{data, err}
	}
	if _, err := w.Write(message); err != nil {
		return "", &Failure{content, err}
	}
	if err := c.UpdateDeadline(time.Until(end)); err != nil {
		return "", &Failure{content, err}
	}
	if err := w.Close(); err != nil {
		return "", &Failure{finalDot, err}
	}
	return printable(w.(*smtp.DataCloser).ServerResponse()), nil
}

// alive asks, since a kept connection may have died without a word.
func (c *connection) alive() bool {
	return c.UpdateDeadline(pingTimeout) == nil && c.Noop() == nil
}

func (c *connection) quit() {
	if c.UpdateDeadline(pingTimeout) != nil || c.Quit() != nil {
		c.Close()
	}
}
