// Package request assigns an ID to each HTTP request, records the status of its
// response, and logs both.
//
//   - request.go: request IDs and response status; start with [Identify]
//   - refusal.go: the log of requests, with reasons for refused ones
//   - headers.go: the security headers of every response
package request

import (
	"context"
	"crypto/rand"
	"net/http"
)

type key struct{}

// info is what the handlers of a request record about it.
type info struct {
	id     string
	client string // name of the API client; empty until it is authenticated, and for pages
	reason string // why the request is refused; empty if it is not
	err    error
}

func infoOf(ctx context.Context) *info {
	i, _ := ctx.Value(key{}).(*info)
	return i
}

// Identify returns a copy of a request with a random ID, which is in every log
// line of the request. Serve the copy: the router sets the route pattern only
// there.
func Identify(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), key{}, &info{id: rand.Text()[:16]}))
}

// ID returns the ID of the request that a context belongs to, or "" if there is
// none.
func ID(ctx context.Context) string {
	if i := infoOf(ctx); i != nil {
		return i.id
	}
	return ""
}

// Answer is a response writer that records the status of the response.
type Answer struct {
	http.ResponseWriter
	Status int
}

// NewAnswer returns an Answer with status 200, the status of a handler that sets
// none.
func NewAnswer(w http.ResponseWriter) *Answer {
	return &Answer{ResponseWriter: w, Status: http.StatusOK}
}

// WriteHeader implements [http.ResponseWriter].
func (a *Answer) WriteHeader(status int) {
	a.Status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap makes the wrapped writer available to [http.ResponseController].
func (a *Answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
