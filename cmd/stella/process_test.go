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

	"stella/cmd/stella/config"
	"stella/cmd/stella/programtest"
	"stella/cmd/stella/service"
	"stella/store/storetest"
)

// serviceProcess is a running service.
type serviceProcess struct {
	*exec.Cmd
	t     *testing.T
	addr  string
	ended chan error

	mu       sync.Mutex
	logLines []string // the log
}

// startService starts "stella serve" with a configuration and waits until it listens.
func startService(t *testing.T, c config.Config) *serviceProcess {
	t.Helper()
	env := programtest.Environ(c)
	if c.URL != "" { // then the service writes no files: it needs neither a temporary folder nor a home
		env = append(env, "TMPDIR=/no/such/folder", "HOME=/no/such/folder")
	}
	return startCommand(t, program(t, env, "serve"))
}

// startCommand starts a service with a command and waits until it listens. At the end of
// the test it kills the service and checks its log with leak.
func startCommand(t *testing.T, command *exec.Cmd) *serviceProcess {
	t.Helper()
	s := &serviceProcess{Cmd: command, t: t, ended: make(chan error, 1)}
	log, err := s.StderrPipe()
	storetest.Must(t, err)
	storetest.Must(t, s.Start())
	listens := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(log); lines.Scan(); {
			s.mu.Lock()
			s.logLines = append(s.logLines, lines.Text())
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
			t.Errorf("the log contains %q:\n%s", found, s.log())
		}
	})
	select {
	case s.addr = <-listens:
	case err := <-s.ended:
		t.Fatalf("the service ended (%v): %s", err, s.log())
	case <-time.After(time.Minute):
		t.Fatalf("the service does not listen: %s", s.log())
	}
	return s
}

func (s *serviceProcess) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.logLines, "\n")
}

// waitForLog waits until the log contains a text.
func (s *serviceProcess) waitForLog(text string) {
	s.t.Helper()
	storetest.Eventually(s.t, fmt.Sprintf("the log contains %q", text), func() bool { return strings.Contains(s.log(), text) })
}

func (s *serviceProcess) get(path string, header ...string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", "http://"+s.addr+path, nil)
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

// waitReady waits until the service is ready, and returns the answer of /readyz.
func (s *serviceProcess) waitReady() service.Readiness {
	s.t.Helper()
	var r service.Readiness
	storetest.Eventually(s.t, "the service is ready", func() bool {
		code, body := s.get("/readyz")
		r = service.Readiness{}
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			s.t.Fatalf("%q: %v", body, err)
		}
		return code == 200
	})
	return r
}

// metrics returns the metrics of the service.
func (s *serviceProcess) metrics() string {
	s.t.Helper()
	m := &serviceProcess{t: s.t, addr: s.metricsAddr()}
	code, body := m.get("/metrics")
	if code != 200 {
		s.t.Errorf("the metrics: %d %s", code, body)
	}
	return body
}

// metricsAddr returns the address of the metrics, from the log.
func (s *serviceProcess) metricsAddr() string {
	s.t.Helper()
	for line := range strings.Lines(s.log()) {
		var entry struct{ Msg, Listen string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving metrics" {
			return entry.Listen
		}
	}
	s.t.Fatalf("the service has no metrics: %s", s.log())
	return ""
}

// gauge returns the value of one metric of the service.
func (s *serviceProcess) gauge(name string) float64 {
	s.t.Helper()
	return programtest.ValueOf(s.t, s.metrics(), name)
}

// handOff hands a mailbox's user over, like a webmail and a browser.
func (s *serviceProcess) handOff(mailbox, token string) {
	s.t.Helper()
	body := fmt.Sprintf(`{"mailbox":%q,"return_url":%q}`, mailbox, storetest.ReturnURL)
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", "http://"+s.addr+"/api/v1/handoffs", strings.NewReader(body))
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
	r, err = http.NewRequestWithContext(s.t.Context(), "POST", "http://"+s.addr+"/"+path, nil)
	storetest.Must(s.t, err)
	entered, err := http.DefaultTransport.RoundTrip(r)
	storetest.Must(s.t, err)
	entered.Body.Close()
	if entered.StatusCode != 303 {
		s.t.Fatalf("POST /start: %s", entered.Status)
	}
}

func (s *serviceProcess) interrupt() {
	s.t.Helper()
	storetest.Must(s.t, s.Process.Signal(os.Interrupt))
	s.waitForExit()
}

// waitForExit waits until the service ends, and checks its exit status.
func (s *serviceProcess) waitForExit() {
	s.t.Helper()
	select {
	case err := <-s.ended:
		if err != nil {
			s.t.Errorf("the service ended with %v: %s", err, s.log())
		}
	case <-time.After(time.Minute):
		s.t.Fatalf("the service does not end: %s", s.log())
	}
}
