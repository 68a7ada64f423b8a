package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

func TestRepeatEndsAfterTheNumberOrTheTime(t *testing.T) {
	t.Parallel()
	var done atomic.Int64
	work := func(context.Context, int) error { done.Add(1); return nil }
	if n, _, err := repeat(t.Context(), 3, 10, 0, work); n != 10 || done.Load() != 10 || err != nil {
		t.Errorf("%d of 10 are done (%d), %v", n, done.Load(), err)
	}
	slow := func(ctx context.Context, _ int) error { return pause(ctx, 5*time.Millisecond) }
	n, took, err := repeat(t.Context(), 2, 0, 20*time.Millisecond, slow)
	if n < 2 || took < 20*time.Millisecond || err != nil {
		t.Errorf("%d are done in %v, %v", n, took, err)
	}
}

func TestRepeatStopsAtAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	n, _, err := repeat(t.Context(), 2, 1000, 0, func(_ context.Context, i int) error {
		if i == 5 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || n > 999 {
		t.Errorf("%d are done, %v", n, err)
	}
}
