package middleware

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stella/store/storetest"
)

// Every response has an ID in the log, a count by route and the headers, also if the
// handler panics or closes the connection.
func TestStackLogsAndCountsEveryRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		status  int
	}{
		"a page":              {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }, http.StatusTeapot},
		"a panic":             {func(http.ResponseWriter, *http.Request) { panic("broken") }, http.StatusInternalServerError},
		"a closed connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0},
	} {
		var text storetest.Log
		log := slog.New(slog.NewTextHandler(&text, nil))
		var routes []string
		stack := Stack{Log: log, HTTPS: true, Timeout: time.Minute, Served: func(route string, _ int, _ time.Duration) { routes = append(routes, route) }}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /secret/{token}", func(w http.ResponseWriter, r *http.Request) {
			if _, limited := r.Context().Deadline(); !limited || ID(r.Context()) == "" || Address(r.Context()).String() != "192.0.2.1" {
				t.Errorf("%s: the handler gets no deadline, ID or address", name)
			}
			c.handler(w, r)
		})
		failed := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
		answer := httptest.NewRecorder()
		func() {
			defer func() {
				if p := recover(); (p == http.ErrAbortHandler) != (c.status == 0) {
					t.Errorf("%s: the stack panics with %v", name, p)
				}
			}()
			stack.Wrap(Recover(log, failed, mux)).ServeHTTP(answer, httptest.NewRequest("GET", "/secret/hush", nil))
		}()
		if len(routes) != 1 || routes[0] != "GET /secret/{token}" {
			t.Errorf("%s: counted as %q", name, routes)
		}
		if !strings.Contains(text.String(), `msg=served`) || strings.Contains(text.String(), "hush") {
			t.Errorf("%s: the log is %s", name, text.String())
		}
		if h := answer.Header(); h.Get("Strict-Transport-Security") == "" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: the headers are %v", name, h)
		}
		if c.status != 0 && answer.Code != c.status {
			t.Errorf("%s: status %d, want %d", name, answer.Code, c.status)
		}
	}
}
