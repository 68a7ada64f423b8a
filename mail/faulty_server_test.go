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

// moody is an SMTP server that misbehaves once, at any of its words. The other
// one of these tests is a library's, and knows no such words.
type moody struct {
	port   int
	cert   tls.Certificate
	roots  *x509.CertPool
	offers string // ways to log in
	done   chan struct{}

	mu    sync.Mutex
	verb  string // where it misbehaves
	mood  string // and how
	mails []string
}

func newMoody(t *testing.T, verb, mood string) *moody {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &moody{port: l.Addr().(*net.TCPAddr).Port, cert: selfSigned(t), roots: x509.NewCertPool(), offers: "LOGIN PLAIN", done: make(chan struct{}), verb: verb, mood: mood}
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

// welcome are the ways to log in: with the name stella and the password "a password".
var welcome = []string{"PLAIN AHN0ZWxsYQBhIHBhc3N3b3Jk", "LOGIN c3RlbGxh YSBwYXNzd29yZA=="}

func (m *moody) options() mail.RelayOptions {
	return mail.RelayOptions{Host: "127.0.0.1", Port: m.port, User: "stella", Password: "a password", TLS: &tls.Config{RootCAs: m.roots}}
}

// at is the mood of a moment; it does not come back.
func (m *moody) at(verb string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if verb != m.verb {
		return ""
	}
	m.verb = ""
	return m.mood
}

func (m *moody) received() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mails
}

func (m *moody) serve(conn net.Conn) {
	defer conn.Close()
	go func() { // whoever is silent is so until the end
		<-m.done
		conn.Close()
	}()
	c := conn
	if _, on := m.answer(c, "greeting", "220 relay.example"); !on {
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
		said, on := m.answer(c, verb, right)
		if !on {
			return
		}
		switch {
		case said && verb == "STARTTLS":
			if _, on := m.answer(c, "handshake", ""); !on {
				return
			}
			c, secure = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{m.cert}}), "second "
			lines = textproto.NewReader(bufio.NewReader(c))
		case said && verb == "DATA":
			if _, on := m.answer(c, "message", ""); !on {
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

// take takes a message, unless it says that it does not.
func (m *moody) take(c net.Conn, message string) bool {
	m.mu.Lock()
	no := m.verb == "final dot" && (m.mood == "421" || m.mood == "451" || m.mood == "5xx")
	if !no {
		m.mails = append(m.mails, message)
	}
	m.mu.Unlock()
	if _, on := m.answer(c, "final dot", "250 2.0.0 Queued"); !on {
		return false
	}
	_, on := m.answer(c, "after the end", "")
	return on
}

// answer says what is right, if in the mood; it returns whether it did, and
// whether to go on.
func (m *moody) answer(c net.Conn, verb, right string) (said, on bool) {
	whom := ""
	if verb == "RCPT" || verb == "DATA" || verb == "final dot" { // it knows by then
		whom = ", <anna.neri@mail.example>"
	}
	mood := m.at(verb)
	switch mood {
	case "421":
		io.WriteString(c, "421 4.3.2 Closing down"+whom+"\r\n")
		return false, false
	case "451":
		right = "451 4.7.1 Greylisted" + whom
	case "5xx":
		right = cmp.Or(map[string]string{"AUTH": "535 5.7.8 Wrong password", "MAIL": "530 5.7.0 STARTTLS first"}[verb], "550 5.1.1 Not this"+whom)
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
	return mood == "" || mood == "slowness", mood != "garbage" || verb != "handshake"
}
