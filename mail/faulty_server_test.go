package mail_test

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stella/mail"
)

// faultyServer is an SMTP server that has one fault at one point of the
// conversation. The other server of these tests (relay) uses a library, which
// allows faults at some commands only.
type faultyServer struct {
	port   int
	cert   tls.Certificate
	roots  *x509.CertPool
	offers string // AUTH mechanisms
	done   chan struct{}

	mu    sync.Mutex
	verb  string // the command or event with the fault; empty after it happened
	mode  string // the fault
	mails []string
}

func newFaultyServer(t *testing.T, verb, mode string) *faultyServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &faultyServer{
		port:   l.Addr().(*net.TCPAddr).Port,
		cert:   selfSigned(t),
		roots:  x509.NewCertPool(),
		offers: "LOGIN PLAIN",
		done:   make(chan struct{}),
		verb:   verb,
		mode:   mode,
	}
	m.roots.AddCert(m.cert.Leaf)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { m.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		close(m.done)
		all.Wait()
	})
	return m
}

// welcome are the accepted logins: with the user "stella" and the password "a password".
var welcome = []string{"PLAIN AHN0ZWxsYQBhIHBhc3N3b3Jk", "LOGIN c3RlbGxh YSBwYXNzd29yZA=="}

func (m *faultyServer) options() mail.RelayOptions {
	return mail.RelayOptions{
		Host: "127.0.0.1", Port: m.port,
		User: "stella", Password: "a password",
		TLS: &tls.Config{RootCAs: m.roots},
	}
}

// at returns the fault at a command or event, or "". It returns each fault once.
func (m *faultyServer) at(verb string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if verb != m.verb {
		return ""
	}
	m.verb = ""
	return m.mode
}

func (m *faultyServer) received() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mails
}

func (m *faultyServer) serve(conn net.Conn) {
	defer conn.Close()
	go func() { // ends the mode "silence" with the test
		<-m.done
		conn.Close()
	}()
	c := conn
	if _, proceed := m.answer(c, "greeting", "220 relay.example"); !proceed {
		return
	}
	lines, secure := textproto.NewReader(bufio.NewReader(c)), ""
	ask := func(what string) string {
		io.WriteString(c, "334 "+base64.StdEncoding.EncodeToString([]byte(what))+"\r\n")
		line, _ := lines.ReadLine()
		return line
	}
	for {
		line, err := lines.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		right := "250 2.0.0 Fine"
		switch verb {
		case "EHLO":
			verb, right = secure+verb, "250-relay.example\r\n250-STARTTLS\r\n250 AUTH "+m.offers
		case "STARTTLS":
			right = "220 2.0.0 Go on"
		case "AUTH":
			if rest == "LOGIN" {
				rest += " " + ask("Username:") + " " + ask("Password:")
			}
			if right = "235 2.7.0 Welcome"; !slices.Contains(welcome, rest) {
				right = "535 5.7.8 Who?"
			}
		case "DATA":
			right = "354 Go on"
		}
		ok, proceed := m.answer(c, verb, right)
		if !proceed {
			return
		}
		switch {
		case ok && verb == "STARTTLS":
			if _, proceed := m.answer(c, "handshake", ""); !proceed {
				return
			}
			c, secure = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{m.cert}}), "second "
			lines = textproto.NewReader(bufio.NewReader(c))
		case ok && verb == "DATA":
			if _, proceed := m.answer(c, "message", ""); !proceed {
				return
			}
			message, err := io.ReadAll(lines.DotReader())
			if err != nil || !m.take(c, string(message)) {
				return
			}
		case verb == "QUIT":
			return
		}
	}
}

// take stores a message unless the fault is a refusal. It reports whether to
// continue.
func (m *faultyServer) take(c net.Conn, message string) bool {
	m.mu.Lock()
	refused := m.verb == "final dot" && (m.mode == "421" || m.mode == "451" || m.mode == "5xx")
	if !refused {
		m.mails = append(m.mails, message)
	}
	m.mu.Unlock()
	if _, proceed := m.answer(c, "final dot", "250 2.0.0 Queued"); !proceed {
		return false
	}
	_, proceed := m.answer(c, "after the end", "")
	return proceed
}

// answer sends the right reply, or applies the fault. It returns whether it sent
// the right reply, and whether to continue.
func (m *faultyServer) answer(c net.Conn, verb, right string) (ok, proceed bool) {
	address := ""
	if verb == "RCPT" || verb == "DATA" || verb == "final dot" { // replies that may contain the recipient
		address = ", <anna.neri@mail.example>"
	}
	mode := m.at(verb)
	switch mode {
	case "421":
		io.WriteString(c, "421 4.3.2 Closing down"+address+"\r\n")
		return false, false
	case "451":
		right = "451 4.7.1 Greylisted" + address
	case "5xx":
		replies := map[string]string{"AUTH": "535 5.7.8 Wrong password", "MAIL": "530 5.7.0 STARTTLS first"}
		right = cmp.Or(replies[verb], "550 5.1.1 Not this"+address)
	case "silence":
		<-m.done
		return false, false
	case "slowness":
		time.Sleep(50 * time.Millisecond)
	case "drop":
		return false, false
	case "garbage":
		right = "\xff\x00what?"
	}
	if right != "" {
		if _, err := io.WriteString(c, right+"\r\n"); err != nil {
			return false, false
		}
	}
	return mode == "" || mode == "slowness", mode != "garbage" || verb != "handshake"
}
