package store_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// lease is the duration of the claims of these tests.
const lease = 20 * time.Second

// claim claims up to n mails of the queue for codes.
func claim(t *testing.T, w *storetest.World, n int) ([]workflow.PendingMail, time.Time) {
	t.Helper()
	now := w.Clock.Now()
	mails, next, err := w.ClaimMails(t.Context(), workflow.QueueCodes, now, now.Add(lease), n)
	storetest.Must(t, err)
	return mails, next
}

// The outcome of an accepted mail does not change.
func TestAcceptedMailStaysAccepted(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.CodeEntry)
	first, _ := claim(t, w, 1)
	if len(first) != 1 || first[0].PerhapsSent {
		t.Fatalf("%+v", first)
	}
	w.Clock.Advance(lease)
	second, _ := claim(t, w, 1) // by another sender, as if the first had crashed
	if len(second) != 1 || !second[0].PerhapsSent {
		t.Fatalf("%+v", second)
	}
	storetest.Must(t, w.MailAccepted(t.Context(), first[0].Attempt(), "taken", w.Clock.Now()))
	a := second[0].Attempt()
	storetest.Must(t, w.MailDeferred(t.Context(), a, "later", false, w.Clock.Now()))
	storetest.Must(t, w.MailRefused(t.Context(), a, "never", w.Clock.Now()))
	storetest.Must(t, w.MailDropped(t.Context(), a, w.Clock.Now()))
	storetest.Must(t, w.MailAccepted(t.Context(), a, "taken again", w.Clock.Now().Add(time.Second)))
	var reply string
	var attempts, queued int
	var started, accepted, refused, dropped *time.Time
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `
		select reply, attempts, started_at, accepted_at, refused_at, dropped_at, (select count(*) from mail_queue) from mails`).
		Scan(&reply, &attempts, &started, &accepted, &refused, &dropped, &queued))
	if reply != "taken" || attempts != 2 || started == nil || !accepted.Equal(w.Clock.Now()) ||
		refused != nil || dropped != nil || queued != 0 {
		t.Errorf("%q, %d attempts, started %v, accepted %v, refused %v, dropped %v, %d queued",
			reply, attempts, started, accepted, refused, dropped, queued)
	}
	w.Clock.Advance(lease)
	if again, _ := claim(t, w, 1); len(again) != 0 {
		t.Errorf("an accepted mail is claimed: %+v", again)
	}
}

// An attempt whose claim has expired changes nothing.
func TestResultOfAnExpiredAttemptIsIgnored(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.CodeEntry)
	first, _ := claim(t, w, 1)
	w.Clock.Advance(lease)
	second, _ := claim(t, w, 1)
	a := first[0].Attempt()
	storetest.Must(t, w.MailDeferred(t.Context(), a, "later", false, w.Clock.Now()))
	storetest.Must(t, w.MailRefused(t.Context(), a, "never", w.Clock.Now()))
	storetest.Must(t, w.MailDropped(t.Context(), a, w.Clock.Now()))
	if again, _ := claim(t, w, 1); len(again) != 0 {
		t.Errorf("the mail is claimed twice at once: %+v", again)
	}
	storetest.Must(t, w.MailDeferred(t.Context(), second[0].Attempt(), "busy", true, w.Clock.Now().Add(time.Second)))
	w.Clock.Advance(time.Second)
	if third, _ := claim(t, w, 1); len(third) != 1 || third[0].Attempts != 3 || !third[0].PerhapsSent {
		t.Errorf("the third attempt is %+v", third)
	}
}

// Concurrent claims share the mails, and oldest mails come first.
func TestClaimsShareTheMails(t *testing.T) {
	w := newWorld(t)
	for range 12 {
		w.RecordInState(t, qualification.CodeEntry)
		w.Clock.Advance(time.Second)
	}
	oldest, _ := claim(t, w, 4)
	var all sync.WaitGroup
	var mu sync.Mutex
	var ids []uuid.UUID
	for range 8 {
		all.Go(func() {
			now := w.Clock.Now()
			mails, _, err := w.ClaimMails(t.Context(), workflow.QueueCodes, now, now.Add(lease), 3)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, m := range mails {
				ids = append(ids, m.ID)
				for _, o := range oldest {
					if !o.RequestedAt.Before(m.RequestedAt) {
						t.Errorf("a mail of %v is claimed before one of %v", o.RequestedAt, m.RequestedAt)
					}
				}
			}
		})
	}
	all.Wait()
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	if len(slices.Compact(slices.Clone(ids))) != len(ids) || len(ids) != 8 {
		t.Errorf("%d mails are claimed, want each of 8 once: %v", len(ids), ids)
	}
}

// A claim says when another mail can be claimed.
func TestClaimReturnsTheNextTime(t *testing.T) {
	w := newWorld(t)
	if mails, next := claim(t, w, 4); len(mails) != 0 || !next.IsZero() {
		t.Errorf("in an empty queue %v, next %v", mails, next)
	}
	begin := w.Clock.Now()
	w.RecordInState(t, qualification.CodeEntry)
	if mails, next := claim(t, w, 4); len(mails) != 1 || !next.IsZero() {
		t.Errorf("%d mails, next %v; want 1 and none", len(mails), next)
	}
	w.Clock.Advance(5 * time.Second)
	w.RecordInState(t, qualification.CodeEntry)
	mails, next := claim(t, w, 4)
	if len(mails) != 1 || !next.Equal(begin.Add(lease)) {
		t.Fatalf("%d mails, next %v; want 1 and the end of the first claim", len(mails), next)
	}
	due := w.Clock.Now().Add(2 * time.Second)
	storetest.Must(t, w.MailDeferred(t.Context(), mails[0].Attempt(), "later", false, due))
	if mails, next := claim(t, w, 4); len(mails) != 0 || !next.Equal(due) {
		t.Errorf("%d mails, next %v; want 0 and the next attempt", len(mails), next)
	}
	w.Clock.Advance(2 * time.Second)
	if mails, _ := claim(t, w, 4); len(mails) != 1 || mails[0].PerhapsSent || mails[0].Attempts != 2 {
		t.Errorf("the second attempt is %+v", mails)
	}
}

// A listener is notified of each mail at the commit, and of one that an operator retries.
func TestMailsAreNotified(t *testing.T) {
	w := newWorld(t)
	listening, told := make(chan bool, 1), make(chan string, 10)
	go w.ListenForMails(t.Context(), func() { listening <- true }, func(queue string) { told <- queue })
	<-listening
	w.RecordInState(t, qualification.CodeEntry)
	if queue := <-told; queue != workflow.QueueCodes {
		t.Errorf("the queue %q is notified", queue)
	}
	w.RecordInState(t, qualification.Invited)
	if queue := <-told; queue != workflow.QueueMails {
		t.Errorf("the queue %q is notified", queue)
	}
	now := w.Clock.Now()
	mails, _, err := w.ClaimMails(t.Context(), workflow.QueueMails, now, now.Add(lease), 1)
	storetest.Must(t, err)
	storetest.Must(t, w.MailRefused(t.Context(), mails[0].Attempt(), "no", now))
	storetest.Must(t, w.Provider.RetryMail(t.Context(), "carla", mails[0].ID))
	if queue := <-told; queue != workflow.QueueMails {
		t.Errorf("the queue %q is notified", queue)
	}
}
