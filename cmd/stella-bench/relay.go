package main

import (
	"context"
	"encoding/json"
	"flag"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"stella/mail/mailtest"
)

// serveRelay runs the mail relay until ctx ends. It prints the address of SMTP and the
// URL at which the driver reads what has arrived.
func serveRelay(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("relay", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "address to listen on for SMTP with STARTTLS")
	web := flags.String("web", "127.0.0.1:0", "address to listen on for the driver")
	ca := flags.String("ca", "", "file to which the relay's certificate is written, for STELLA_SMTP_CA_FILE")
	if err := flags.Parse(args); err != nil {
		return err
	}
	certificate, pem, err := mailtest.SelfSigned()
	if err != nil {
		return err
	}
	if *ca != "" {
		if err := os.WriteFile(*ca, pem, 0o644); err != nil {
			return err
		}
	}
	smtp, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *web)
	if err != nil {
		return err
	}
	box := &arrivals{codes: map[string]chan string{}}
	server := mailtest.Relay{Recipient: func(string) error { return nil }, Receive: box.receive}.Server(certificate)
	go server.Serve(smtp)
	return serveUntil(ctx, l, box.handler(), smtp.Addr().String()+" http://"+l.Addr().String())
}

// arrivals is what has arrived at the relay.
type arrivals struct {
	mu    sync.Mutex
	count int
	last  []mailtest.Mail // since they were read, if they are kept
	kept  bool
	codes map[string]chan string // by recipient
}

// codeLine matches the code in a mail. It is alone on its line.
var codeLine = regexp.MustCompile(`(?m)^(\d{6})\r?$`)

func (a *arrivals) receive(m mailtest.Mail) error {
	a.mu.Lock()
	a.count += len(m.To)
	if a.kept {
		a.last = append(a.last, m)
	}
	a.mu.Unlock()
	found := codeLine.FindSubmatch(m.Message)
	if found == nil {
		return nil
	}
	for _, to := range m.To {
		select {
		case a.of(to) <- string(found[1]):
		default: // the codes of this address are not read
		}
	}
	return nil
}

// of returns the codes of a recipient.
func (a *arrivals) of(to string) chan string {
	a.mu.Lock()
	defer a.mu.Unlock()
	to = strings.ToLower(to)
	if a.codes[to] == nil {
		a.codes[to] = make(chan string, 8)
	}
	return a.codes[to]
}

// codeTimeout is how long a request waits for a code. A code is valid for a minute.
const codeTimeout = time.Minute

func (a *arrivals) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /code", func(w http.ResponseWriter, r *http.Request) {
		select {
		case code := <-a.of(r.FormValue("to")):
			w.Write([]byte(code))
		case <-time.After(codeTimeout):
			http.Error(w, "no code has arrived", http.StatusNotFound)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		json.NewEncoder(w).Encode(a.count)
	})
	// The first call keeps the mails that arrive from now on. Each call returns those since
	// the call before.
	mux.HandleFunc("GET /mails", func(w http.ResponseWriter, _ *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		json.NewEncoder(w).Encode(a.last)
		a.last, a.kept = nil, true
	})
	return mux
}
