// Package middleware is what every HTTP request of the service passes through, whatever
// answers it: pages, API or health checks.
//
//   - middleware.go: Stack, which wraps the handler of the service; start here
//   - info.go: the ID, the client address and the refusal of a request
//   - log.go: the log of requests, with reasons for refused ones
//   - address.go: the address of the client behind proxies
//   - headers.go: the security headers of every response, and of pages
//   - recovery.go: a response for a handler that panicked
package middleware

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Stack gives each request an ID, a deadline and the address of its client, sets the
// headers of its response, logs it and measures it.
type Stack struct {
	Log     *slog.Logger
	HTTPS   bool           // the public URL is https
	Proxies []netip.Prefix // the proxies whose X-Forwarded-For is trusted
	Timeout time.Duration  // of a request

	// Served is called after each response, with the pattern of its route; nil for none.
	Served func(route string, status int, took time.Duration)
	// Refused counts the refused requests by reason; nil for none.
	Refused func(reason string)
	// Quiet reports whether the line of a request is left out of the log; nil for never.
	Quiet func(r *http.Request, status int) bool
}

// Wrap returns a handler that does all of it for each request of next. The log has the
// pattern of the route and not the path, because links contain secrets.
func (s Stack) Wrap(next http.Handler) http.Handler {
	lines := &requestLog{Logger: s.Log, refused: s.Refused}
	addresses := &addresses{proxies: s.Proxies, log: s.Log}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.Timeout)
		defer cancel()
		i := newInfo(addresses.of(r))
		r = r.WithContext(context.WithValue(ctx, key{}, i)) // the router sets the pattern in this copy
		answer := &response{ResponseWriter: w, status: http.StatusOK}
		secure(w.Header(), s.HTTPS)
		began := time.Now()
		defer func() { // also if the handler closes the connection by a panic
			took := time.Since(began)
			if s.Served != nil {
				s.Served(r.Pattern, answer.status, took)
			}
			if s.Quiet == nil || !s.Quiet(r, answer.status) {
				lines.served(r, i, answer.status, took)
			}
		}()
		next.ServeHTTP(answer, r)
	})
}

// response records the status of a response.
type response struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (a *response) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap makes the wrapped writer available to [http.ResponseController].
func (a *response) Unwrap() http.ResponseWriter { return a.ResponseWriter }
