package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A load is a closed loop: each holder begins again when the last qualification is done.
type load struct {
	subject *subject
	watch   *stopwatch
}

// token returns the token of one of the webmail's clients.
func (l *load) token(i int) string { return l.subject.tokens[i%len(l.subject.tokens)] }

// A job does the work of number i.
type job func(ctx context.Context, i int) error

// repeat does jobs with several holders at once, until n are done or the time is over.
// Jobs that have begun are finished. It returns how many were done, and the time until
// the last was finished. It stops at the first error.
func repeat(ctx context.Context, atOnce, n int, span time.Duration, do job) (done int, took time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, finished atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for range atOnce {
		all.Go(func() {
			for ctx.Err() == nil && (span == 0 || time.Since(begun) < span) {
				i := int(next.Add(1)) - 1
				if n > 0 && i >= n {
					return
				}
				if err := do(ctx, i); err != nil {
					cancel(err)
					return
				}
				finished.Add(1)
			}
		})
	}
	all.Wait()
	return int(finished.Load()), time.Since(begun), context.Cause(ctx)
}
