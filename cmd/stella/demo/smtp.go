package demo

import (
	"net"
	"slices"
	"strings"
	"time"

	"stella/mail/mailtest"
)

// Local parts of recipients with which a test or a user can cause faults.
const (
	refusedName = "rifiutata" // permanently refused, like an address that does not exist
	slowName    = "lenta"     // accepted after slowDelay
)

const slowDelay = 3 * time.Second

// listen starts the SMTP server on a free loopback port.
func (i *Inbox) listen() error {
	cert, ca, err := mailtest.SelfSigned()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	i.addr, i.ca = l.Addr().String(), ca
	i.server = mailtest.Relay{Recipient: checkRecipient, Receive: i.receive}.Server(cert)
	i.server.ErrorLog = discardLogger{} // the demo's terminal need not show that clients disconnect
	go i.server.Serve(l)
	return nil
}

type discardLogger struct{}

func (discardLogger) Printf(string, ...any) {}
func (discardLogger) Println(...any)        {}

func checkRecipient(to string) error {
	if localPart(to) == refusedName {
		return mailtest.ErrNoBox
	}
	return nil
}

func (i *Inbox) receive(mail mailtest.Mail) error {
	m := message{Message: mailtest.ReadMessage(mail.Message)}
	if m.From == "" {
		m.From = mail.From
	}
	if slices.ContainsFunc(mail.To, func(to string) bool { return localPart(to) == slowName }) {
		time.Sleep(slowDelay)
	}
	for _, to := range mail.To {
		m.To = to
		i.add(m)
	}
	return nil
}

func localPart(address string) string {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	return local
}
