package middleware

import (
	"log/slog"
	"net/http"
	"runtime/debug"
)

// Recover logs a panic of next, and calls answer to write the response.
func Recover(log *slog.Logger, answer http.HandlerFunc, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { // the handler wants the connection to be closed
				panic(p)
			}
			log.ErrorContext(r.Context(), "a handler panicked", "request", ID(r.Context()), "route", r.Pattern,
				"panic", p, "stack", string(debug.Stack()))
			answer(w, r)
		}()
		next.ServeHTTP(w, r)
	})
}
