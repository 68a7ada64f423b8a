package request

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Refuse says why a request is refused. The reason is one of few words, since a
// metric has it as a label; err, which may be nil, is for the log alone.
func Refuse(ctx context.Context, reason string, err error) {
	if k := of(ctx); k != nil {
		k.reason, k.err = reason, err
	}
}

// By says which client of the API makes a request.
func By(ctx context.Context, client string) {
	if k := of(ctx); k != nil {
		k.client = client
	}
}

// refusedLines is how many refused requests are logged in a minute. A stranger
// decides how many there are, and must not fill the disk.
const refusedLines = 100

// Log writes one line for each request.
type Log struct {
	Logger  *slog.Logger
	Refused func(reason string) // counts every refused request

	mu      sync.Mutex
	until   time.Time // the end of the minute that lines are counted for
	lines   int
	leftOut int
}

// Served logs a request that was answered; from is the address that it came from.
func (l *Log) Served(r *http.Request, from netip.Addr, status int, took time.Duration) {
	k := of(r.Context())
	line := []any{"request", k.id, "route", r.Pattern, "method", r.Method, "status", status, "duration", took}
	if k.reason == "" {
		l.Logger.InfoContext(r.Context(), "served", line...)
		return
	}
	l.Refused(k.reason)
	if !l.room() {
		return
	}
	line = append(line, "reason", k.reason, "address", from)
	if k.client != "" {
		line = append(line, "client", k.client)
	}
	if k.err != nil {
		line = append(line, "error", k.err)
	}
	l.Logger.WarnContext(r.Context(), "refused", line...)
}

// room reports whether one more refused request may be logged. How many were
// left out is logged at the end of the minute.
func (l *Log) room() bool {
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
		time.AfterFunc(time.Until(l.until), l.tellLeftOut)
	}
	l.leftOut++
	return false
}

func (l *Log) tellLeftOut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Logger.Warn("refused requests were left out of the log", "count", l.leftOut)
	l.leftOut = 0
}
