package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestStepIsOneTransaction(t *testing.T) {
	w := newWorld(t)
	j := w.RecordInState(t, qualification.Summary)
	before := j.Case()
	undone := errors.New("undone")
	err := w.Update(t.Context(), j.Mailbox, func(c *qualification.Case) error {
		c.Mailbox.Status = workflow.Cancelled
		c.Qualification.Remark = "a remark"
		c.Added = append(c.Added, qualification.Declaration{ID: uuid.New(), Qualification: c.Qualification.ID})
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	err = w.Update(t.Context(), j.Mailbox, func(c *qualification.Case) error {
		c.Mailbox.Status = workflow.Cancelled
		c.Added = append(c.Added, nil)
		return nil
	})
	if err == nil {
		t.Error("a row without a table was written")
	}
	after := j.Case()
	if after.Mailbox.Status != workflow.Active || after.Qualification.Remark != "" ||
		after.Qualification.Version != before.Qualification.Version {
		t.Errorf("the case is now %+v of %+v", after.Qualification, after.Mailbox)
	}
	if _, err := w.View(t.Context(), 4711); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("View of an unknown mailbox: %v", err)
	}
	if err := w.Update(t.Context(), 4711, func(*qualification.Case) error { return nil }); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("Update of an unknown mailbox: %v", err)
	}
}

// Steps of one mailbox wait for each other; steps of different mailboxes do not.
func TestStepsOfOneMailboxAreSerialised(t *testing.T) {
	w := newWorld(t)
	a, b := w.RecordInState(t, qualification.Summary), w.RecordInState(t, qualification.Summary)
	started, finish, done := make(chan bool), make(chan bool), make(chan error, 1)
	go func() {
		done <- w.Update(context.WithoutCancel(t.Context()), a.Mailbox, func(c *qualification.Case) error {
			close(started)
			<-finish
			return nil
		})
	}()
	<-started
	nothing := func(*qualification.Case) error { return nil }
	if err := w.Update(t.Context(), b.Mailbox, nothing); err != nil {
		t.Errorf("another mailbox: %v", err)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := w.Update(short, a.Mailbox, nothing); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the same mailbox: %v, want it to wait", err)
	}
	close(finish)
	storetest.Must(t, <-done)
	storetest.Must(t, w.Update(t.Context(), a.Mailbox, nothing))
}

// A step that waited for the lock reads what the previous step committed: the mailbox,
// the qualification and the other rows.
func TestStepReadsWhatPreviousStepCommitted(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	j := w.RecordInState(t, qualification.CodeEntry)
	before := j.Case()
	holding, finish, done := make(chan bool), make(chan bool), make(chan error, 2)
	go func() {
		done <- w.Update(context.WithoutCancel(t.Context()), j.Mailbox, func(c *qualification.Case) error {
			close(holding)
			<-finish
			c.Mailbox.Ordinary = "changed@mail.example"
			c.Qualification.Remark = "changed"
			c.Qualification.Version++
			c.Added = append(c.Added, qualification.Step{Qualification: c.Qualification.ID, Version: c.Qualification.Version,
				Event: qualification.CodeRequested, From: qualification.CodeEntry, To: qualification.CodeEntry, At: w.Clock.Now(),
				Actor: workflow.Actor{Kind: workflow.BySystem}}, qualification.Code{ID: uuid.New(), Qualification: c.Qualification.ID, Nonce: make([]byte, 16),
				RequestedAt: w.Clock.Now(), SpentAt: w.Clock.Now()})
			return nil
		})
	}()
	<-holding
	var read *qualification.Case
	go func() {
		done <- w.Update(context.WithoutCancel(t.Context()), j.Mailbox, func(c *qualification.Case) error {
			read = c
			return nil
		})
	}()
	storetest.LockAwaited(t, w.Store)
	close(finish)
	storetest.Must(t, <-done)
	storetest.Must(t, <-done)
	if read.Mailbox.Ordinary != "changed@mail.example" || read.Qualification.Remark != "changed" ||
		len(read.Codes) != len(before.Codes)+1 {
		t.Errorf("the step read %q, %q and %d codes", read.Mailbox.Ordinary, read.Qualification.Remark, len(read.Codes))
	}
}
