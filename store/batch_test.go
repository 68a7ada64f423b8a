package store_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
)

// A step that had to wait for the lock reads what the step before it committed:
// of the mailbox, of its qualification, and of the rows beside them.
func TestAStepThatWaitedReadsWhatWasCommitted(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	j := w.Reach(t, workflow.CodeEntry)
	before := j.Case()
	holding, finish, done := make(chan bool), make(chan bool), make(chan error, 2)
	go func() {
		done <- w.Update(context.WithoutCancel(t.Context()), j.Mailbox, func(c *workflow.Case) error {
			close(holding)
			<-finish
			c.Mailbox.Ordinary = "changed@mail.example"
			c.Qualification.Remark = "changed"
			c.Added = append(c.Added, workflow.Code{ID: uuid.New(), Qualification: c.Qualification.ID, Nonce: make([]byte, 16),
				RequestedAt: w.Clock.Now(), SpentAt: w.Clock.Now()})
			return nil
		})
	}()
	<-holding
	var read *workflow.Case
	go func() {
		done <- w.Update(context.WithoutCancel(t.Context()), j.Mailbox, func(c *workflow.Case) error {
			read = c
			return nil
		})
	}()
	for waits := false; !waits; {
		storetest.Must(t, w.Pool().QueryRow(t.Context(), `
			select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waits))
	}
	close(finish)
	storetest.Must(t, <-done)
	storetest.Must(t, <-done)
	if read.Mailbox.Ordinary != "changed@mail.example" || read.Qualification.Remark != "changed" || len(read.Codes) != len(before.Codes)+1 {
		t.Errorf("it read %q, %q and %d codes", read.Mailbox.Ordinary, read.Qualification.Remark, len(read.Codes))
	}
}
