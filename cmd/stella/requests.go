package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"stella/request"
)

// requestTimeout limits the duration of a request. Requests wait mostly for the
// database: for a connection of the pool, a lock or an answer. Calls of identity
// providers are within the limit too.
const requestTimeout = 10 * time.Second

// protected sets the security headers of every answer.
func protected(https bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request.Protect(w.Header(), https)
		next.ServeHTTP(w, r)
	})
}

// requests applies requestTimeout to every request, and measures its duration by route
// and class of the status.
func (t *counters) requests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		answer := request.NewAnswer(w)
		began := time.Now()
		next.ServeHTTP(answer, r)
		class := strconv.Itoa(answer.Status/100) + "xx"
		t.served.WithLabelValues(r.Pattern, class).Observe(time.Since(began).Seconds())
	})
}
