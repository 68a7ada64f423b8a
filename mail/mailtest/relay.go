// Package mailtest contains the parts of a mail relay that delivers no mail, for tests and
// the demo.
//
//	relay.go         the SMTP server
//	certificate.go   its certificate
//	message.go       the parser of mails
package mailtest

import (
	"crypto/tls"
	"io"
	"time"

	"github.com/emersion/go-smtp"
)

// A Relay decides what happens to mails.
type Relay struct {
	Recipient func(to string) error // returns nil if it accepts the recipient
	Receive   func(Mail) error      // returns nil if it accepts the mail
}

// A Mail is a mail with its envelope.
type Mail struct {
	From    string
	To      []string
	Message []byte
}

// Replies of a relay.
var (
	ErrLater = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Try again later"}
	ErrNoBox = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox here"}
)

// Server returns the relay's SMTP server, which offers STARTTLS.
func (r Relay) Server(cert tls.Certificate) *smtp.Server {
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{relay: r}, nil }))
	s.Domain, s.MaxMessageBytes = "localhost", 5<<20
	s.ReadTimeout, s.WriteTimeout = 5*time.Minute, 10*time.Second
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	return s
}

// A session is an SMTP session.
type session struct {
	relay Relay
	mail  Mail
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mail.From = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.relay.Recipient(to); err != nil {
		return err
	}
	s.mail.To = append(s.mail.To, to)
	return nil
}

func (s *session) Data(r io.Reader) (err error) {
	if s.mail.Message, err = io.ReadAll(r); err != nil {
		return err
	}
	return s.relay.Receive(s.mail)
}

func (s *session) Reset() { s.mail = Mail{} }

func (s *session) Logout() error { return nil }
