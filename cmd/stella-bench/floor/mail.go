package floor

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"math/big"
	"os"

	"github.com/emersion/go-smtp"
)

// A mailer sends mails to the relay over a few connections that stay open.
type mailer struct {
	relay string
	trust *tls.Config
	idle  chan *smtp.Client
	done  func(ctx context.Context, id int64, outcome string) error
}

// connections is how many connections to the relay there are at most while none is idle.
const connections = 8

func newMailer(relay, ca string) (*mailer, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s contains no certificate", ca)
	}
	trust := &tls.Config{RootCAs: roots, ServerName: "localhost"}
	return &mailer{relay: relay, trust: trust, idle: make(chan *smtp.Client, connections)}, nil
}

// send sends a mail and stores its outcome.
func (m *mailer) send(ctx context.Context, id int64, to string, message []byte) {
	outcome := "accepted"
	if err := m.deliver(to, message); err != nil {
		outcome = err.Error()
	}
	if err := m.done(ctx, id, outcome); err != nil {
		log.Print("the outcome of a mail: ", err)
	}
}

func (m *mailer) deliver(to string, message []byte) (err error) {
	var c *smtp.Client
	select {
	case c = <-m.idle:
	default:
		if c, err = smtp.DialStartTLS(m.relay, m.trust); err != nil {
			return err
		}
	}
	if err := c.SendMail("staff@posta.example", []string{to}, bytes.NewReader(message)); err != nil {
		return err
	}
	select {
	case m.idle <- c:
		return nil
	default:
		return c.Quit()
	}
}

// newCode returns a random code of six digits.
func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1e6))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%06d", n), nil
}
