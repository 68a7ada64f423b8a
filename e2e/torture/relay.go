package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"stella/mail/mailtest"
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
	return mailtest.Relay{Recipient: c.checkRecipient, Receive: c.receive}.Server(cert).Serve(l)
}

func (c relayConfig) checkRecipient(to string) error {
	switch {
	case busy.active(c.Inbox):
		return mailtest.ErrLater
	case rejected(to):
		return mailtest.ErrNoBox
	}
	return nil
}

// rejected reports whether the relay refuses an address permanently.
func rejected(address string) bool { return strings.HasPrefix(address, "nessuno.") }

func (c relayConfig) receive(m mailtest.Mail) error {
	for _, to := range m.To {
		if err := store(c.Inbox, delivery{ReceivedAt: time.Now(), To: to, Message: m.Message}); err != nil {
			fmt.Fprintln(os.Stderr, "relay:", err)
			return mailtest.ErrLater
		}
	}
	switch {
	case crashing.active(c.Inbox):
		crashing.set(c.Inbox, false)
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case waiting.active(c.Inbox):
		time.Sleep(replyDelay)
	}
	return nil
}

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
