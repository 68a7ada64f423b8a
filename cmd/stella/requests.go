package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"stella/request"
)

// requestTimeout bounds what a request waits for, which is the database: a
// connection of the pool, a lock, an answer. Identity providers are waited for
// within it too.
const requestTimeout = 10 * time.Second

// protected sets the headers that every answer carries.
func protected(https bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request.Protect(w.Header(), https)
		next.ServeHTTP(w, r)
	})
}

// requests bounds every request, and counts it by its route.
func (t *tally) requests(next http.Handler) http.Handler {
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
