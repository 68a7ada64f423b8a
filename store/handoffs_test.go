package store_test

import (
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
)

func TestSecondUseOfHandOffEndsFirstSession(t *testing.T) {
	w := newWorld(t)
	j := w.Record(t, storetest.AnnasRecord)
	secret, err := w.HandOff(t.Context(), j.Address)
	storetest.Must(t, err)
	first := newBrowser(t, w, j.Case().Mailbox.ID).open()
	bystander := newBrowser(t, w, j.Case().Mailbox.ID).open()
	start := func(b *browser) error {
		_, err := w.Procedure.Start(t.Context(), secret, b.v.Session, netip.Addr{}, "")
		return err
	}
	open := func() bool {
		h, err := w.Provider.FindHandOff(t.Context(), secret)
		return err == nil && h.Open(w.Clock.Now())
	}
	if !open() {
		t.Error("the link is closed before it is used")
	}
	storetest.Must(t, start(first))
	if open() || first.use().Ended != "" {
		t.Error("after the first use: the link is open, or the session has ended")
	}
	second := newBrowser(t, w, j.Case().Mailbox.ID).open()
	if err := start(second); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("a second use: %v", err)
	}
	first.checkEnded(workflow.SessionUsedTwice)
	bystander.checkEnded("")
	if err := start(second); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("a third use: %v", err)
	}

	// An expired hand-off that was never used does not end a session.
	secret, err = w.HandOff(t.Context(), j.Address)
	storetest.Must(t, err)
	w.Clock.Advance(workflow.HandOffLife)
	if open() || !errors.Is(start(second), workflow.ErrUnknown) || bystander.use().Ended != "" {
		t.Error("an expired link is open, can be used, or ended a session")
	}
	secret = "a guess"
	if open() || !errors.Is(start(second), workflow.ErrUnknown) {
		t.Error("a guessed link is open, or can be used")
	}
}

func TestConcurrentUseOfHandOff(t *testing.T) {
	w := newWorld(t)
	j := w.Record(t, storetest.AnnasRecord)
	secret, err := w.HandOff(t.Context(), j.Address)
	storetest.Must(t, err)
	var won atomic.Int32
	concurrently(func(int) {
		_, err := w.UseHandOff(t.Context(), workflow.Digest(secret), []byte(uuid.NewString()), w.Clock.Now())
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, workflow.ErrUnknown) {
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d calls used the hand-off, want 1", won.Load())
	}
}

// Both uses of a hand-off may come before either has opened a session.
func TestHandOffUsedTwiceBelongsToNoSession(t *testing.T) {
	w := newWorld(t)
	j := w.Record(t, storetest.AnnasRecord)
	secret, err := w.HandOff(t.Context(), j.Address)
	storetest.Must(t, err)
	token, first := workflow.Digest(secret), workflow.Digest("first")
	_, err = w.UseHandOff(t.Context(), token, first, w.Clock.Now())
	storetest.Must(t, err)
	if held, err := w.HandOffBelongsTo(t.Context(), token, first); err != nil || !held {
		t.Errorf("used once: held %v, %v", held, err)
	}
	if _, err := w.UseHandOff(t.Context(), token, workflow.Digest("second"), w.Clock.Now()); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("used twice: %v", err)
	}
	if held, err := w.HandOffBelongsTo(t.Context(), token, first); err != nil || held {
		t.Errorf("used twice: held %v, %v", held, err)
	}
}
