package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"stella/store/storetest"
)

// served is a service that runs.
type served struct {
	*exec.Cmd
	t      *testing.T
	listen string
	ended  chan error

	mu   sync.Mutex
	said []string // its log
}

// serveProcess starts the service and waits until it listens.
func serveProcess(t *testing.T, c config) *served {
	t.Helper()
	env := environ(c)
	if c.URL != "" { // then it keeps nothing on the machine: neither a temporary folder nor a home is needed
		env = append(env, "TMPDIR=/no/such/folder", "HOME=/no/such/folder")
	}
	return waitFor(t, program(t, env, "serve"))
}

// waitFor starts a service by its command and waits until it listens.
func waitFor(t *testing.T, command *exec.Cmd) *served {
	t.Helper()
	s := &served{Cmd: command, t: t, ended: make(chan error, 1)}
	log, err := s.StderrPipe()
	storetest.Must(t, err)
	storetest.Must(t, s.Start())
	listens := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(log); lines.Scan(); {
			s.mu.Lock()
			s.said = append(s.said, lines.Text())
			s.mu.Unlock()
			var line struct{ Msg, Listen string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				listens <- line.Listen
			}
		}
		s.ended <- s.Wait()
	}()
	t.Cleanup(func() {
		s.Process.Kill()
		if t.Failed() {
			t.Logf("the log of the service:\n%s", s.log())
		}
		if found := leak(s.log()); found != "" {
			t.Errorf("the log tells %q:\n%s", found, s.log())
		}
	})
	select {
	case s.listen = <-listens:
	case err := <-s.ended:
		t.Fatalf("it ended (%v): %s", err, s.log())
	case <-time.After(time.Minute):
		t.Fatalf("it does not listen: %s", s.log())
	}
	return s
}

func (s *served) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.said, "\n")
}

// logs waits until the service logs a line.
func (s *served) logs(text string) {
	s.t.Helper()
	storetest.Eventually(s.t, fmt.Sprintf("it logs %q", text), func() bool { return strings.Contains(s.log(), text) })
}

func (s *served) get(path string, header ...string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", "http://"+s.listen+path, nil)
	storetest.Must(s.t, err)
	for i := 0; i < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	answer, err := http.DefaultClient.Do(r)
	storetest.Must(s.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	storetest.Must(s.t, err)
	return answer.StatusCode, string(body)
}

// ready waits until the service is ready, and returns what it says.
func (s *served) ready() readiness {
	s.t.Helper()
	var r readiness
	storetest.Eventually(s.t, "it is ready", func() bool {
		code, body := s.get("/readyz")
		r = readiness{}
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			s.t.Fatalf("%q: %v", body, err)
		}
		return code == 200
	})
	return r
}

// metrics is what Prometheus is told.
func (s *served) metrics() string {
	s.t.Helper()
	m := &served{t: s.t, listen: s.metricsListen()}
	code, body := m.get("/metrics")
	if code != 200 {
		s.t.Errorf("the metrics: %d %s", code, body)
	}
	return body
}

// metricsListen is where the metrics are served.
func (s *served) metricsListen() string {
	s.t.Helper()
	for line := range strings.Lines(s.log()) {
		var said struct{ Msg, Listen string }
		if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "serving metrics" {
			return said.Listen
		}
	}
	s.t.Fatalf("there are no metrics: %s", s.log())
	return ""
}

// gauge is one value that the process tells.
func (s *served) gauge(name string) float64 {
	s.t.Helper()
	return valueOf(s.t, s.metrics(), name)
}

// enter hands a mailbox's user over, as a webmail and a browser do.
func (s *served) enter(mailbox, token string) {
	s.t.Helper()
	body := fmt.Sprintf(`{"mailbox":%q,"return_url":%q}`, mailbox, storetest.ReturnURL)
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", "http://"+s.listen+"/api/v1/handoffs", strings.NewReader(body))
	storetest.Must(s.t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	storetest.Must(s.t, err)
	defer answer.Body.Close()
	var handedOver struct {
		StartURL string `json:"start_url"`
	}
	storetest.Must(s.t, json.NewDecoder(answer.Body).Decode(&handedOver))
	_, path, ok := strings.Cut(handedOver.StartURL, "https://id.example/")
	if !ok {
		s.t.Fatalf("%s: %+v", answer.Status, handedOver)
	}
	r, err = http.NewRequestWithContext(s.t.Context(), "POST", "http://"+s.listen+"/"+path, nil)
	storetest.Must(s.t, err)
	entered, err := http.DefaultTransport.RoundTrip(r)
	storetest.Must(s.t, err)
	entered.Body.Close()
	if entered.StatusCode != 303 {
		s.t.Fatalf("POST /start: %s", entered.Status)
	}
}

func (s *served) end() {
	s.t.Helper()
	storetest.Must(s.t, s.Process.Signal(os.Interrupt))
	s.wait()
}

// wait waits for the end after SIGTERM.
func (s *served) wait() {
	s.t.Helper()
	select {
	case err := <-s.ended:
		if err != nil {
			s.t.Errorf("it ended with %v: %s", err, s.log())
		}
	case <-time.After(time.Minute):
		s.t.Fatalf("it does not end: %s", s.log())
	}
}
