package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/emersion/go-smtp"
)

// A relayConfig is the configuration of the relay. The relay is a separate process
// of this program, so that it can be killed. It stores a mail on disk before it
// accepts it.
type relayConfig struct {
	Listen    string
	Cert, Key string // PEM files
	Inbox     string // folder
}

// A relayMode is a fault of the relay. It is active while a file of that name exists
// in the relay's inbox.
type relayMode string

const (
	busy     relayMode = "busy"     // it answers "later" to every mail
	waiting  relayMode = "waiting"  // it accepts each mail with a delay
	crashing relayMode = "crashing" // it kills itself when it has stored a mail, before it accepts it
)

// replyDelay is the delay in the mode waiting.
const replyDelay = 500 * time.Millisecond

// A delivery is a mail in the relay's inbox.
type delivery struct {
	ReceivedAt time.Time `json:"received_at"` // when it was read completely, before it was accepted
	To         string    `json:"to"`
	Message    []byte    `json:"message"`
}

// serveRelay runs the relay until it is killed.
func serveRelay(c relayConfig) error {
	cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &conversation{inbox: c.Inbox}, nil
	}))
	s.Domain, s.MaxMessageBytes = "localhost", 1<<20
	s.ReadTimeout, s.WriteTimeout = time.Minute, 10*time.Second
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	return s.Serve(l)
}

// A conversation is one SMTP session.
type conversation struct {
	inbox string
	to    []string
}

var (
	errBusy  = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "try again later"}
	errNoBox = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
)

func (c *conversation) Mail(string, *smtp.MailOptions) error {
	if busy.active(c.inbox) {
		return errBusy
	}
	return nil
}

func (c *conversation) Rcpt(to string, _ *smtp.RcptOptions) error {
	if rejected(to) {
		return errNoBox
	}
	c.to = append(c.to, to)
	return nil
}

// rejected reports whether the relay refuses an address permanently.
func rejected(address string) bool { return strings.HasPrefix(address, "nessuno.") }

func (c *conversation) Data(r io.Reader) error {
	message, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, to := range c.to {
		if err := store(c.inbox, delivery{ReceivedAt: time.Now(), To: to, Message: message}); err != nil {
			fmt.Fprintln(os.Stderr, "relay:", err)
			return errBusy
		}
	}
	switch {
	case crashing.active(c.inbox):
		crashing.set(c.inbox, false)
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case waiting.active(c.inbox):
		time.Sleep(replyDelay)
	}
	return nil
}

func (c *conversation) Reset() { c.to = nil }

func (c *conversation) Logout() error { return nil }

var stored atomic.Int64

// store writes a mail to disk atomically and durably.
func store(inbox string, d delivery) error {
	content, err := json.Marshal(d)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d-%d-%d", d.ReceivedAt.UnixNano(), os.Getpid(), stored.Add(1))
	unfinished := filepath.Join(inbox, name+".part")
	f, err := os.Create(unfinished)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(unfinished, filepath.Join(inbox, name+".json")); err != nil {
		return err
	}
	folder, err := os.Open(inbox)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// active reports whether the mode is set.
func (m relayMode) active(inbox string) bool {
	_, err := os.Stat(filepath.Join(inbox, string(m)))
	return err == nil
}

// set sets or clears the mode.
func (m relayMode) set(inbox string, on bool) error {
	file := filepath.Join(inbox, string(m))
	if on {
		return os.WriteFile(file, nil, 0o644)
	}
	if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
