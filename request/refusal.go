package request

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Refuse records why a request is refused. The reason is the label of a metric:
// use one of a small fixed set, such as "no_token". err is only logged, and may
// be nil.
func Refuse(ctx context.Context, reason string, err error) {
	if i := infoOf(ctx); i != nil {
		i.reason, i.err = reason, err
	}
}

// By records which client of the API makes a request.
func By(ctx context.Context, client string) {
	if i := infoOf(ctx); i != nil {
		i.client = client
	}
}

// refusedLines is how many refused requests are logged in a minute. Without this
// limit anyone could fill the disk with refused requests.
const refusedLines = 100

// Log writes one line for each request, and at most 100 lines a minute for
// refused ones.
type Log struct {
	Logger  *slog.Logger
	Refused func(reason string) // counts every refused request

	mu      sync.Mutex
	until   time.Time // end of the minute in which lines are counted
	lines   int
	leftOut int // refused requests that were not logged
}

// Served logs a request after its response. from is the address of the client.
func (l *Log) Served(r *http.Request, from netip.Addr, status int, took time.Duration) {
	i := infoOf(r.Context())
	line := []any{"request", i.id, "route", r.Pattern, "method", r.Method, "status", status, "duration", took}
	if i.reason == "" {
		l.Logger.InfoContext(r.Context(), "served", line...)
		return
	}
	l.Refused(i.reason)
	if !l.mayLog() {
		return
	}
	line = append(line, "reason", i.reason, "address", from)
	if i.client != "" {
		line = append(line, "client", i.client)
	}
	if i.err != nil {
		line = append(line, "error", i.err)
	}
	l.Logger.WarnContext(r.Context(), "refused", line...)
}

// mayLog reports whether one more refused request may be logged. If requests are
// left out, their number is logged at the end of the minute.
func (l *Log) mayLog() bool {
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

func (l *Log) logLeftOut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Logger.Warn("refused requests were left out of the log", "count", l.leftOut)
	l.leftOut = 0
}
