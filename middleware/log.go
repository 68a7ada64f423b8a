package middleware

import (
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// refusedLines is how many refused requests are logged in a minute. Without this
// limit anyone could fill the disk with refused requests.
const refusedLines = 100

// requestLog writes one line for each request, and at most 100 lines a minute for
// refused ones.
type requestLog struct {
	*slog.Logger
	refused func(reason string) // counts every refused request; nil for none

	mu      sync.Mutex
	until   time.Time // end of the minute in which lines are counted
	lines   int
	leftOut int // refused requests that were not logged
}

// served logs a request after its response.
func (l *requestLog) served(r *http.Request, i *info, status int, took time.Duration) {
	line := []any{"request", i.id, "route", r.Pattern, "method", r.Method, "status", status, "duration", took}
	if i.reason == "" {
		l.InfoContext(r.Context(), "served", line...)
		return
	}
	if l.refused != nil {
		l.refused(i.reason)
	}
	if !l.mayLog() {
		return
	}
	line = append(line, "reason", i.reason, "address", i.address)
	if i.client != "" {
		line = append(line, "client", i.client)
	}
	if i.err != nil {
		line = append(line, "error", i.err)
	}
	l.WarnContext(r.Context(), "refused", line...)
}

// mayLog reports whether one more refused request may be logged. If requests are
// left out, their number is logged at the end of the minute.
func (l *requestLog) mayLog() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); !now.Before(l.until) {
		l.until, l.lines = now.Add(time.Minute), 0
	}
	if l.lines < refusedLines {
		l.lines++
		return true
	}
	if l.leftOut == 0 {
		time.AfterFunc(time.Until(l.until), l.logLeftOut)
	}
	l.leftOut++
	return false
}

func (l *requestLog) logLeftOut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Warn("refused requests were left out of the log", "count", l.leftOut)
	l.leftOut = 0
}
