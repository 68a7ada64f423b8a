package mail_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"stella/mail"
)

// relay is an SMTP server that does what a test asks for.
type relay struct {
	addr  *net.TCPAddr
	cert  *x509.Certificate
	roots *x509.CertPool
	serve func(net.Listener) (stop func())
	stop  func()

	mu     sync.Mutex
	fault  func(verb string, n int) error // of the nth time a verb is heard
	heard  map[string]int
	mails  []received
	names  []string // in EHLO, of each connection
	opened int
	open   map[net.Conn]bool
	clear  bytes.Buffer // what came before TLS, or would have to
}

// received is a mail that the relay has taken, or could have.
type received struct {
	from string
	to   []string
	body []byte
	at   time.Time
	utf8 bool
}

// errDrop has the relay close the connection instead of answering.
var errDrop = errors.New("dropped")

// The relay's usual noes.
var (
	noSuchMailbox = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox here"}
	mailboxFull   = &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "Mailbox full"}
	tryLater      = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Try again later"}
)

// startRelay starts a relay that takes everything.
func startRelay(t *testing.T, configure ...func(*smtp.Server)) *relay {
	t.Helper()
	return start(t, func(l net.Listener, _ *tls.Config) net.Listener { return l }, configure...)
}

func start(t *testing.T, wrap func(net.Listener, *tls.Config) net.Listener, configure ...func(*smtp.Server)) *relay {
	t.Helper()
	cert := selfSigned(t)
	r := &relay{cert: cert.Leaf, roots: x509.NewCertPool(), heard: map[string]int{}, open: map[net.Conn]bool{}}
	r.roots.AddCert(cert.Leaf)
	config := &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{cert}}, r.hear("starttls", h.Conn)
	}}
	r.serve = func(l net.Listener) func() {
		server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
			r.mu.Lock()
			r.names = append(r.names, c.Hostname())
			r.mu.Unlock()
			return &session{relay: r, conn: c}, r.hear("ehlo", c.Conn())
		}))
		server.Domain = "relay.example"
		server.ErrorLog = quiet{}
		server.TLSConfig = config
		for _, c := range configure {
			c(server)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			server.Serve(wrap(listener{l, r}, config))
		}()
		return func() {
			l.Close() // the server knows of it only once it serves
			server.Close()
			<-done
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().(*net.TCPAddr)
	r.stop = r.serve(l)
	t.Cleanup(func() { r.stop() })
	return r
}

// goAway ends the relay until it comes back.
func (r *relay) goAway() { r.stop() }

func (r *relay) comeBack(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", r.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	r.stop = r.serve(l)
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// options reach the relay.
func (r *relay) options() mail.RelayOptions {
	return mail.RelayOptions{Host: "127.0.0.1", Port: r.addr.Port, TLS: &tls.Config{RootCAs: r.roots}}
}

func (r *relay) client(t *testing.T) *mail.Relay {
	t.Helper()
	return newRelay(t, r.options())
}

func newRelay(t *testing.T, o mail.RelayOptions) *mail.Relay {
	t.Helper()
	c := mail.NewRelay(o)
	t.Cleanup(c.Close)
	return c
}

// hear counts a verb and returns its fault. A drop closes the connection.
func (r *relay) hear(verb string, c net.Conn) error {
	err := r.answerTo(verb)
	if errors.Is(err, errDrop) && c != nil {
		c.Close()
	}
	return err
}

// answerTo counts a verb and returns its fault.
func (r *relay) answerTo(verb string) error {
	r.mu.Lock()
	r.heard[verb]++
	n, fault := r.heard[verb], r.fault
	r.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(verb, n)
}

// faults has the relay misbehave from now on.
func (r *relay) faults(f func(verb string, n int) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault, r.heard = f, map[string]int{}
}

// at is a fault of the first times a verb is heard.
func at(verb string, times int, err error) func(string, int) error {
	return func(v string, n int) error {
		if v == verb && n <= times {
			return err
		}
		return nil
	}
}

// slow is a relay that takes its time for every mail.
func slow(d time.Duration) func(string, int) error {
	return func(verb string, _ int) error {
		if verb == "end of data" {
			time.Sleep(d)
		}
		return nil
	}
}

func (r *relay) received() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.mails)
}

// connections is how many there ever were.
func (r *relay) connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.opened
}

func (r *relay) stillOpen() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

// dropIdle closes all connections, as servers do that are restarted.
func (r *relay) dropIdle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		c.Close()
	}
}

// inClear is what clients said without TLS, or what the ciphertext happens to be.
func (r *relay) inClear() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.clear.String()
}

type listener struct {
	net.Listener
	r *relay
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	w := &tapped{c, l.r}
	l.r.mu.Lock()
	l.r.opened++
	l.r.open[w] = true
	l.r.mu.Unlock()
	l.r.hear("connect", c)
	return w, nil
}

// tapped keeps what is read from a connection.
type tapped struct {
	net.Conn
	r *relay
}

func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.clear.Write(p[:n])
	return n, err
}

func (c *tapped) Close() error {
	go func() {
		c.r.mu.Lock()
		defer c.r.mu.Unlock()
		delete(c.r.open, c)
	}()
	return c.Conn.Close()
}

type session struct {
	relay *relay
	conn  *smtp.Conn
	mail  received
}

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	s.mail.from, s.mail.utf8 = from, o.UTF8
	return s.relay.hear("mail", s.conn.Conn())
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.to = append(s.mail.to, to)
	return s.relay.hear("rcpt", s.conn.Conn())
}

func (s *session) Data(r io.Reader) error {
	if err := s.relay.hear("data", s.conn.Conn()); err != nil {
		return err
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.body = body
	err = s.relay.answerTo("end of data")
	if err == nil || errors.Is(err, errDrop) { // a dropped connection may follow an accepted mail
		s.mail.at = time.Now()
		s.relay.mu.Lock()
		s.relay.mails = append(s.relay.mails, s.mail)
		s.relay.mu.Unlock()
	}
	if errors.Is(err, errDrop) { // after the mail is stored: the sender goes on at once
		s.conn.Conn().Close()
	}
	return err
}

func (s *session) Reset()        { s.mail = received{} }
func (s *session) Logout() error { return nil }

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}
