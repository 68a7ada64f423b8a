package store_test

import (
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestSecondUseOfHandOffEndsFirstSession(t *testing.T) {
	w := newWorld(t)
	j := w.Record(t, storetest.AnnasRecord)
	secret, err := w.HandOff(t.Context(), j.Address)
	storetest.Must(t, err)
	first := newBrowser(t, w, j.Case().Mailbox.ID)
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
	second := newBrowser(t, w, j.Case().Mailbox.ID)
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
		_, err := w.Procedure.Start(t.Context(), secret, []byte(uuid.NewString()), netip.Addr{}, "")
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, workflow.ErrUnknown) {
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d calls used the hand-off, want 1", won.Load())
	}
	// Whichever came first, the others ended its session.
	var open int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from sessions where ended = ''`).Scan(&open))
	if open != 0 {
		t.Errorf("%d sessions are open", open)
	}
}

// A start that fails uses nothing: the user can click again.
func TestFailedStartDoesNotUseTheHandOff(t *testing.T) {
	w := newWorld(t)
	j := w.Record(t, storetest.AnnasRecord)
	secret, err := w.HandOff(t.Context(), j.Address)
	storetest.Must(t, err)
	failed := errors.New("the step failed")
	err = w.StartSession(t.Context(), workflow.Digest(secret), []byte("first"), w.Clock.Now(),
		func(workflow.HandOff, *qualification.Case) (workflow.Session, error) {
			return workflow.Session{}, failed
		})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	_, err = w.Procedure.Start(t.Context(), secret, []byte("second"), netip.Addr{}, "")
	storetest.Must(t, err)
}
