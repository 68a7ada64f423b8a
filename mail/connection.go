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

// connection is an SMTP connection that is ready for mails: TLS and
// authentication are done.
type connection struct {
	*smtp.Client
	expiry *time.Timer // while idle
}

// dial opens a connection and runs the handshake. The deadline until covers both.
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
	if err := conn.SetDeadline(until); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	client, err := smtp.NewClient(conn, o.Host) // closes conn on error
	if err != nil {
		return nil, err
	}
	o.Name = cmp.Or(o.Name, addressLiteral(conn.LocalAddr()))
	if err := handshake(client, o); err != nil {
		client.Close()
		return nil, err
	}
	return &connection{Client: client}, nil
}

// addressLiteral returns the address literal (RFC 5321, section 4.1.3) of an
// address, which EHLO uses in place of a domain name: "[192.0.2.1]" or
// "[IPv6:2001:db8::1]".
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

	// Addresses are ASCII, and so are their domains (see contact.ParseAddress): a
	// later relay may not support SMTPUTF8 and would return the mail.
	errNotASCII = errors.New("the address is not written in ASCII")
)

// handshake sends EHLO, starts TLS and authenticates. Only EHLO and STARTTLS are
// sent without TLS.
func handshake(c *smtp.Client, o RelayOptions) error {
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

// deliver sends one mail and returns the relay's reply. The deadline dot is for
// everything up to the final dot, the deadline end for the reply to it.
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

// alive sends NOOP, because an idle connection can be lost without notice.
func (c *connection) alive() bool {
	return c.UpdateDeadline(pingTimeout) == nil && c.Noop() == nil
}

func (c *connection) quit() {
	if c.UpdateDeadline(pingTimeout) != nil || c.Quit() != nil {
		c.Close()
	}
}
