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

// relay is an SMTP server whose faults a test can choose.
type relay struct {
	addr  *net.TCPAddr
	cert  *x509.Certificate
	roots *x509.CertPool
	serve func(net.Listener) (stop func())
	stop  func()

	mu     sync.Mutex
	fault  func(verb string, n int) error // returns the fault of the nth command verb
	counts map[string]int                 // commands since faults was called
	mails  []received
	names  []string // in EHLO, one for each connection
	opened int
	open   map[net.Conn]bool
	clear  bytes.Buffer // the bytes read from all connections, before decryption
}

// received is a mail that the relay has accepted, or has read before it dropped
// the connection.
type received struct {
	from string
	to   []string
	body []byte
	at   time.Time
	utf8 bool
}

// errDrop is a fault: the relay closes the connection instead of replying.
var errDrop = errors.New("dropped")

// Refusals that many tests use.
var (
	noSuchMailbox = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox here"}
	mailboxFull   = &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "Mailbox full"}
	tryLater      = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Try again later"}
)

// startRelay starts a relay that accepts every mail.
func startRelay(t *testing.T, configure ...func(*smtp.Server)) *relay {
	t.Helper()
	return start(t, func(l net.Listener, _ *tls.Config) net.Listener { return l }, configure...)
}

func start(t *testing.T, wrap func(net.Listener, *tls.Config) net.Listener, configure ...func(*smtp.Server)) *relay {
	t.Helper()
	cert := selfSigned(t)
	r := &relay{cert: cert.Leaf, roots: x509.NewCertPool(), counts: map[string]int{}, open: map[net.Conn]bool{}}
	r.roots.AddCert(cert.Leaf)
	config := &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{cert}}, r.onCommand("starttls", h.Conn)
	}}
	r.serve = func(l net.Listener) func() {
		server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
			r.mu.Lock()
			r.names = append(r.names, c.Hostname())
			r.mu.Unlock()
			return &session{relay: r, conn: c}, r.onCommand("ehlo", c.Conn())
		}))
		server.Domain = "relay.example"
		server.ErrorLog = discardLogger{}
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
			l.Close() // the server does not know the listener before Serve
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

// shutDown stops the relay until restart is called.
func (r *relay) shutDown() { r.stop() }

func (r *relay) restart(t *testing.T) {
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

// options returns the options of a client of this relay.
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

// onCommand counts a command and returns its fault. If the fault is errDrop, it
// closes the connection.
func (r *relay) onCommand(verb string, c net.Conn) error {
	err := r.faultFor(verb)
	if errors.Is(err, errDrop) && c != nil {
		c.Close()
	}
	return err
}

// faultFor counts a command and returns its fault.
func (r *relay) faultFor(verb string) error {
	r.mu.Lock()
	r.counts[verb]++
	n, fault := r.counts[verb], r.fault
	r.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(verb, n)
}

// faults sets the function that returns the relay's faults, and resets the counts.
func (r *relay) faults(f func(verb string, n int) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault, r.counts = f, map[string]int{}
}

// at returns a fault function: err for the first times occurrences of a command.
func at(verb string, times int, err error) func(string, int) error {
	return func(v string, n int) error {
		if v == verb && n <= times {
			return err
		}
		return nil
	}
}

// slow returns a fault function that delays the acceptance of every mail.
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

// connections returns the number of connections since the start.
func (r *relay) connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.opened
}

func (r *relay) openConnections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

// dropIdle closes all connections, as a server does when it restarts.
func (r *relay) dropIdle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		c.Close()
	}
}

// plaintext returns all bytes that clients sent: plain text, and the ciphertext
// after STARTTLS.
func (r *relay) plaintext() string {
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
	w := &recordingConn{c, l.r}
	l.r.mu.Lock()
	l.r.opened++
	l.r.open[w] = true
	l.r.mu.Unlock()
	l.r.onCommand("connect", c)
	return w, nil
}

// recordingConn records the bytes read from a connection.
type recordingConn struct {
	net.Conn
	r *relay
}

func (c *recordingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.clear.Write(p[:n])
	return n, err
}

func (c *recordingConn) Close() error {
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
	return s.relay.onCommand("mail", s.conn.Conn())
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.to = append(s.mail.to, to)
	return s.relay.onCommand("rcpt", s.conn.Conn())
}

func (s *session) Data(r io.Reader) error {
	if err := s.relay.onCommand("data", s.conn.Conn()); err != nil {
		return err
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.body = body
	err = s.relay.faultFor("end of data")
	if err == nil || errors.Is(err, errDrop) { // the connection can also be dropped after the mail is accepted
		s.mail.at = time.Now()
		s.relay.mu.Lock()
		s.relay.mails = append(s.relay.mails, s.mail)
		s.relay.mu.Unlock()
	}
	if errors.Is(err, errDrop) { // only after the mail is stored, because the sender continues at once
		s.conn.Conn().Close()
	}
	return err
}

func (s *session) Reset()        { s.mail = received{} }
func (s *session) Logout() error { return nil }

type discardLogger struct{}

func (discardLogger) Printf(string, ...any) {}
func (discardLogger) Println(...any)        {}
