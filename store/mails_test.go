package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// The outcome of an accepted mail does not change.
func TestAcceptedMailStaysAccepted(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.CodeEntry)
	var id uuid.UUID
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select id from mails`).Scan(&id))
	_, err := w.StartMail(t.Context(), id, w.Clock.Now())
	storetest.Must(t, err)
	_, err = w.StartMail(t.Context(), id, w.Clock.Now()) // a second sender, as if the first had crashed
	storetest.Must(t, err)
	storetest.Must(t, w.MailAccepted(t.Context(), id, "taken", w.Clock.Now()))
	storetest.Must(t, w.MailDeferred(t.Context(), id, "later", false))
	storetest.Must(t, w.MailRefused(t.Context(), id, "never", w.Clock.Now()))
	storetest.Must(t, w.MailDropped(t.Context(), id, w.Clock.Now()))
	var reply string
	var attempts int
	var started, refused, dropped *time.Time
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select reply, attempts, started_at, refused_at, dropped_at from mails`).
		Scan(&reply, &attempts, &started, &refused, &dropped))
	if reply != "taken" || attempts != 2 || started == nil || refused != nil || dropped != nil {
		t.Errorf("%q, %d attempts, started %v, refused %v, dropped %v", reply, attempts, started, refused, dropped)
	}
	if _, err := w.StartMail(t.Context(), id, w.Clock.Now()); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("StartMail of an accepted mail: %v", err)
	}
}
