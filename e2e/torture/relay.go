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

// A relayConfig says how the relay runs. It is a process of its own, this
// program once more, so that it can be killed; what it said yes to it has on
// disk by then.
type relayConfig struct {
	Listen    string
	Cert, Key string // PEM files
	Inbox     string // folder
}

// A mood is how the relay behaves while a file of that name stands in its inbox.
type mood string

const (
	busy    mood = "busy"    // it says "later" to everything
	waiting mood = "waiting" // it has taken a mail, and says so only after a while
	falling mood = "falling" // it falls when it has taken a mail, before it says so
)

// wait is how long a waiting relay keeps its yes to itself.
const wait = 500 * time.Millisecond

// A delivery is a mail as the relay took it.
type delivery struct {
	ReceivedAt time.Time `json:"received_at"` // after all of it came, before the yes
	To         string    `json:"to"`
	Message    []byte    `json:"message"`
}

// serveRelay takes mails until it is killed.
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

// A conversation is one client's.
type conversation struct {
	inbox string
	to    []string
}

var (
	errBusy  = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "try again later"}
	errNoBox = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
)

func (c *conversation) Mail(string, *smtp.MailOptions) error {
	if busy.of(c.inbox) {
		return errBusy
	}
	return nil
}

func (c *conversation) Rcpt(to string, _ *smtp.RcptOptions) error {
	if unwritable(to) {
		return errNoBox
	}
	c.to = append(c.to, to)
	return nil
}

// unwritable tells the addresses that the relay refuses for good.
func unwritable(address string) bool { return strings.HasPrefix(address, "nessuno.") }

func (c *conversation) Data(r io.Reader) error {
	message, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, to := range c.to {
		if err := keep(c.inbox, delivery{ReceivedAt: time.Now(), To: to, Message: message}); err != nil {
			fmt.Fprintln(os.Stderr, "relay:", err)
			return errBusy
		}
	}
	switch {
	case falling.of(c.inbox):
		falling.set(c.inbox, false)
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case waiting.of(c.inbox):
		time.Sleep(wait)
	}
	return nil
}

func (c *conversation) Reset() { c.to = nil }

func (c *conversation) Logout() error { return nil }

var kept atomic.Int64

// keep has a mail on disk when it returns, whole or not at all.
func keep(inbox string, d delivery) error {
	content, err := json.Marshal(d)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d-%d-%d", d.ReceivedAt.UnixNano(), os.Getpid(), kept.Add(1))
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

func (m mood) of(inbox string) bool {
	_, err := os.Stat(filepath.Join(inbox, string(m)))
	return err == nil
}

// set puts a relay into a mood, or out of it.
func (m mood) set(inbox string, on bool) error {
	file := filepath.Join(inbox, string(m))
	if on {
		return os.WriteFile(file, nil, 0o644)
	}
	if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
