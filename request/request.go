// Package request identifies HTTP requests, and logs how each was answered.
//
//   - request.go: ids and answers
//   - refusal.go: the log of requests, and of those that are refused
//   - headers.go: what every answer carries
package request

import (
	"context"
	"crypto/rand"
	"net/http"
)

type key struct{}

// known is what is known of a request by whoever handles it.
type known struct {
	id     string
	client string // of the API; empty for others, and until it is known
	reason string // for which it is refused; empty if it is not
	err    error
}

func of(ctx context.Context) *known {
	k, _ := ctx.Value(key{}).(*known)
	return k
}

// Identify gives a request an id, by which everything that is logged of it can
// be found. The copy is to be served; the pattern of its route is known in it
// alone.
func Identify(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), key{}, &known{id: rand.Text()[:16]}))
}

// ID is the id of the request that a context belongs to; empty where it has none.
func ID(ctx context.Context) string {
	if k := of(ctx); k != nil {
		return k.id
	}
	return ""
}

// Answer remembers the status of what it answers.
type Answer struct {
	http.ResponseWriter
	Status int
}

// NewAnswer is an answer with status 200, which is that of a handler that names
// none.
func NewAnswer(w http.ResponseWriter) *Answer {
	return &Answer{ResponseWriter: w, Status: http.StatusOK}
}

// WriteHeader implements [http.ResponseWriter].
func (a *Answer) WriteHeader(status int) {
	a.Status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] through.
func (a *Answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
