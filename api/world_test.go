package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stella/api"
	"stella/client"
	"stella/middleware"
	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// world is a test world with a handler of the API.
type world struct {
	*storetest.World
	t       *testing.T
	handler http.Handler
	log     *bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{World: storetest.NewWorld(t), t: t, log: &bytes.Buffer{}}
	w.handler = handler(w.World.Store, w.Clock.Now, w.log)
	return w
}

// backend is the database of the server.
type backend interface {
	workflow.Store
	qualification.Store
}

func server(b backend, now func() time.Time, log *slog.Logger) *api.Server {
	return &api.Server{
		Provider:      &workflow.Provider{Store: b, Keys: storetest.Keys, Now: now},
		Cases:         &qualification.Cases{Store: b, Now: now},
		PublicURL:     "https://id.example",
		IsUnavailable: store.IsUnavailable,
		Log:           log,
	}
}

func handler(b backend, now func() time.Time, log io.Writer) http.Handler {
	s := server(b, now, slog.New(slog.NewTextHandler(log, nil)))
	stack := middleware.Stack{Log: s.Log, Timeout: time.Minute, Quiet: api.Quiet,
		Served: func(route string, status int, _ time.Duration) { seen.add(route, status) }}
	return stack.Wrap(s.Handler())
}

// answer is a response of the API.
type answer struct {
	*httptest.ResponseRecorder
	t    *testing.T
	text string
}

// call calls the API. header contains names and values in turn.
func call(t *testing.T, h http.Handler, method, path, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://id.example"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a := answer{httptest.NewRecorder(), t, ""}
	h.ServeHTTP(a, r)
	a.text = a.Body.String()
	return a
}

// call calls the API as the webmail.
func (w *world) call(method, path, body string, header ...string) answer {
	w.t.Helper()
	return call(w.t, w.handler, method, path, body, append([]string{"Authorization", "Bearer " + storetest.Token}, header...)...)
}

// mailbox returns the status of a mailbox, as the webmail gets it.
func (w *world) mailbox(address string) (m client.Mailbox) {
	w.t.Helper()
	w.call("GET", "/api/v1/mailboxes/"+address, "").decode(&m)
	return m
}

// decode decodes the body of a response with status 200.
func (a answer) decode(into any) {
	a.t.Helper()
	if a.Code != http.StatusOK {
		a.t.Fatalf("%d %s", a.Code, a.text)
	}
	if err := json.Unmarshal([]byte(a.text), into); err != nil {
		a.t.Fatal(err)
	}
}

// problem checks that the response is a problem document with a status, and returns
// its detail.
func (a answer) problem(status int) string {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("%d, want %d: %s", a.Code, status, a.text)
	}
	if got := a.Header().Get("Content-Type"); got != "application/problem+json" {
		a.t.Errorf("Content-Type: %q", got)
	}
	var p struct {
		Title, Detail string
		Status        int
	}
	if err := json.Unmarshal([]byte(a.text), &p); err != nil {
		a.t.Fatalf("%v in %s", err, a.text)
	}
	if p.Status != status || p.Title != http.StatusText(status) || p.Detail == "" {
		a.t.Errorf("the problem document is %s", a.text)
	}
	return p.Detail
}

const (
	handoffs = "/api/v1/handoffs"
	anna     = "anna.neri@pec.example"
)

func handOff(mailbox, returnURL string) string {
	return fmt.Sprintf(`{"mailbox":%q,"return_url":%q,"locale":"it","user":"user-7"}`, mailbox, returnURL)
}
