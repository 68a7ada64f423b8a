// Package request knows one HTTP request from another, and how each was
// answered: for the log and for whoever counts.
package request

import (
	"context"
	"crypto/rand"
	"net/http"
)

type key struct{}

// Identify gives a request an id, by which everything that is logged of it can
// be found. The copy is to be served; the pattern of its route is known in it
// alone.
func Identify(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), key{}, rand.Text()[:16]))
}

// ID is the id of the request that a context belongs to; empty where it has none.
func ID(ctx context.Context) string {
	id, _ := ctx.Value(key{}).(string)
	return id
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
