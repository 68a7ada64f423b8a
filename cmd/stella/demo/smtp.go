package demo

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// Local parts of recipients with which a test or a user can cause faults.
const (
	refusedName = "rifiutata" // permanently refused, like an address that does not exist
	slowName    = "lenta"     // accepted after slowDelay
)

const slowDelay = 3 * time.Second

// listen starts the SMTP server on a free loopback port.
func (i *Inbox) listen() error {
	cert, ca, err := selfSigned()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	i.addr, i.ca = l.Addr().String(), ca
	i.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{inbox: i}, nil
	}))
	i.server.Domain = "localhost"
	i.server.MaxMessageBytes = 5 << 20
	i.server.ReadTimeout = 5 * time.Minute
	i.server.WriteTimeout = 10 * time.Second
	i.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	i.server.ErrorLog = discardLogger{} // the demo's terminal need not show that clients disconnect
	go i.server.Serve(l)
	return nil
}

type discardLogger struct{}

func (discardLogger) Printf(string, ...any) {}
func (discardLogger) Println(...any)        {}

// A session is an SMTP session.
type session struct {
	inbox *Inbox
	from  string
	to    []string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if localPart(to) == refusedName {
		return &smtp.SMTPError{
			Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox here",
		}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	m, err := readMessage(r)
	if err != nil {
		return err
	}
	if m.From == "" {
		m.From = s.from
	}
	for _, to := range s.to {
		if localPart(to) == slowName {
			time.Sleep(slowDelay)
			break
		}
	}
	for _, to := range s.to {
		m.To = to
		s.inbox.add(m)
	}
	return nil
}

func (s *session) Reset() { s.from, s.to = "", nil }

func (s *session) Logout() error { return nil }

func localPart(address string) string {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	return local
}
