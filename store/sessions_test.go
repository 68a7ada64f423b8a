package store_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
)

// browser holds the secret of a session, as browsers do.
type browser struct {
	t      *testing.T
	w      *storetest.World
	secret string
	v      workflow.Visitor
}

// newBrowser is a browser whose visitor came from the webmail of a world.
func newBrowser(t *testing.T, w *storetest.World, mailbox int64) *browser {
	b := &browser{t: t, w: w, secret: rand.Text()}
	b.v = workflow.Visitor{Mailbox: mailbox, Client: storetest.Webmail, User: "user-7", Session: workflow.Digest(b.secret)}
	return b
}

// enter opens the session.
func (b *browser) enter() *browser {
	b.t.Helper()
	storetest.Must(b.t, b.w.Procedure.OpenSession(b.t.Context(), b.v))
	return b
}

// use makes a request with the session.
func (b *browser) use() workflow.Session {
	b.t.Helper()
	s, err := b.w.Procedure.UseSession(b.t.Context(), b.v.Session)
	storetest.Must(b.t, err)
	return s
}

// ended checks why the session ended; empty if it lasts.
func (b *browser) ended(want workflow.SessionEnd) {
	b.t.Helper()
	if s := b.use(); s.Ended != want {
		b.t.Errorf("the session ended: %q, want %q", s.Ended, want)
	}
}

func (b *browser) end(why workflow.SessionEnd) {
	b.t.Helper()
	storetest.Must(b.t, b.w.Procedure.EndSession(b.t.Context(), b.v.Session, why))
}

var typed = workflow.Draft{Qualification: uuid.MustParse("0197a1b2-0000-7000-8000-000000000001"), Form: "/contatti",
	Values: map[string][]string{"email": {"anna@mail.example"}}}

func TestASessionIsKept(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w, w.Record(t, storetest.AnnasRecord).Case().Mailbox.ID)
	if _, err := w.Procedure.UseSession(t.Context(), b.v.Session); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("before it is opened: %v", err)
	}
	b.enter()
	s := b.use()
	if s.Ended != "" || s.Visitor.Mailbox != b.v.Mailbox || s.Visitor.User != "user-7" || s.Visitor.Client != storetest.Webmail || s.Draft != nil {
		t.Errorf("%+v", s)
	}
	// No row can be used as a cookie.
	var rows, digests int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `
		select count(*) filter (where x::text like '%' || $1 || '%'), count(*) filter (where length(digest) = 32) from sessions x`,
		b.secret).Scan(&rows, &digests))
	if rows != 0 || digests != 1 {
		t.Errorf("%d rows hold the secret, %d hold a digest of 1", rows, digests)
	}
}

func TestASessionLastsWhileItIsUsed(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w, 1).enter()
	for range 4 {
		w.Clock.Advance(workflow.SessionIdle - time.Second)
		b.ended("")
	}
	w.Clock.Advance(workflow.SessionIdle - time.Second)
	if s, err := w.Procedure.Session(t.Context(), b.v.Session); err != nil || s.Ended != "" {
		t.Errorf("%+v, %v", s, err)
	}
	w.Clock.Advance(time.Second) // looking at it did not prolong it
	b.ended(workflow.SessionWasIdle)
}

func TestASessionHasAnEndHoweverMuchItIsUsed(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w, 1).enter()
	const pause = 20 * time.Minute
	for range workflow.SessionLife/pause - 1 {
		w.Clock.Advance(pause)
		b.ended("")
	}
	w.Clock.Advance(pause)
	b.ended(workflow.SessionWasOld)
}

func TestASessionThatEndedSaysWhy(t *testing.T) {
	w := newWorld(t)
	for _, why := range []workflow.SessionEnd{workflow.SessionLeft, workflow.SessionReplaced, workflow.SessionUsedTwice, workflow.SessionByOperator} {
		b := newBrowser(t, w, 1).enter()
		b.end(why)
		b.ended(why)
		b.end(workflow.SessionLeft) // the first reason holds
		b.ended(why)
	}
	idle := newBrowser(t, w, 1).enter()
	w.Clock.Advance(workflow.SessionIdle)
	idle.end(workflow.SessionLeft)
	idle.ended(workflow.SessionWasIdle)
}

func TestSessionsOfADisabledClientEnd(t *testing.T) {
	w := newWorld(t)
	b, other := newBrowser(t, w, 1).enter(), newBrowser(t, w, 1)
	other.v.Client = "another"
	other.enter()
	storetest.Must(t, w.DisableClient(t.Context(), storetest.Webmail, w.Clock.Now()))
	b.ended(workflow.SessionClientDisabled)
	other.ended("")
	late := newBrowser(t, w, 1).enter() // by a hand-off that was used at the same time
	late.ended(workflow.SessionClientDisabled)
	// They stay ended when the client is let in again.
	storetest.Must(t, w.EnableClient(t.Context(), storetest.Webmail))
	b.ended(workflow.SessionClientDisabled)
}

func TestWhatWasTypedTooLateIsKept(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w, 1).enter()
	keep := func(s workflow.Session) bool {
		kept, err := w.Procedure.KeepDraft(t.Context(), s, typed)
		storetest.Must(t, err)
		return kept
	}
	if keep(b.use()) {
		t.Error("a session that lasts keeps a draft")
	}
	w.Clock.Advance(workflow.SessionIdle)
	if !keep(b.use()) {
		t.Error("nothing is kept")
	}
	b.ended(workflow.SessionWasIdle)
	w.Clock.Advance(-time.Second) // as on an instance whose clock is slower
	b.ended(workflow.SessionWasIdle)
	w.Clock.Advance(workflow.SessionKept) // a day later
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	former := b.use()

	take := func(change func(*workflow.Visitor)) *workflow.Draft {
		next := newBrowser(t, w, 1)
		change(&next.v)
		s, err := w.Procedure.ReplaceSession(t.Context(), former, next.enter().use())
		storetest.Must(t, err)
		if got := next.use().Draft; (got == nil) != (s.Draft == nil) {
			t.Errorf("the session has %v, and its row %v", s.Draft, got)
		}
		return s.Draft
	}
	for name, other := range map[string]func(*workflow.Visitor){
		"mailbox":    func(v *workflow.Visitor) { v.Mailbox = 2 },
		"user":       func(v *workflow.Visitor) { v.User = "user-8" },
		"client":     func(v *workflow.Visitor) { v.Client = "another" },
		"invitation": func(v *workflow.Visitor) { v.Invitation = uuid.New() },
	} {
		if take(other) != nil {
			t.Errorf("another %s gets what was typed", name)
		}
	}
	d := take(func(*workflow.Visitor) {})
	if d == nil || d.Form != typed.Form || d.Qualification != typed.Qualification || d.Values.Get("email") != "anna@mail.example" {
		t.Fatalf("%+v", d)
	}
	if b.use().Draft != nil {
		t.Error("the former session still has it")
	}
	w.Clock.Advance(2 * time.Second)
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if _, err := w.Procedure.Session(t.Context(), b.v.Session); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("a day after its end it is there: %v", err)
	}
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	w := newWorld(t)
	anna, sara := w.Record(t, storetest.AnnasRecord).Case().Mailbox, w.Record(t, storetest.AnnasRecord).Case().Mailbox
	first := newBrowser(t, w, anna.ID).enter()
	w.Clock.Advance(time.Second)
	second := newBrowser(t, w, anna.ID).enter()
	w.Clock.Advance(time.Second)
	third := newBrowser(t, w, sara.ID)
	third.v.Client = "another"
	third.enter()
	newBrowser(t, w, sara.ID).enter().end(workflow.SessionLeft)
	listed := func(f store.SessionFilter) (of []string) {
		t.Helper()
		all, err := w.LastingSessions(t.Context(), f, w.Clock.Now())
		storetest.Must(t, err)
		for _, l := range all {
			of = append(of, l.Mailbox+" "+l.Visitor.Client)
		}
		return of
	}
	of := func(m workflow.Mailbox, client string) string { return m.Address + " " + client }
	if got, want := listed(store.SessionFilter{}), []string{of(sara, "another"), of(anna, storetest.Webmail), of(anna, storetest.Webmail)}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := listed(store.SessionFilter{Client: "another"}); !slices.Equal(got, []string{of(sara, "another")}) {
		t.Errorf("%q", got)
	}
	end := func(f store.SessionFilter, want int) {
		t.Helper()
		if n, err := w.EndSessions(t.Context(), f, workflow.SessionByOperator, w.Clock.Now()); n != want || err != nil {
			t.Errorf("%d ended, want %d, %v", n, want, err)
		}
	}
	all, err := w.LastingSessions(t.Context(), store.SessionFilter{Mailbox: anna.ID}, w.Clock.Now())
	storetest.Must(t, err)
	if len(all) != 2 || len(all[0].ID) != 16 {
		t.Fatalf("%+v", all)
	}
	end(store.SessionFilter{ID: all[0].ID}, 1)
	second.ended(workflow.SessionByOperator)
	first.ended("")
	end(store.SessionFilter{ID: all[0].ID}, 0)
	end(store.SessionFilter{Mailbox: anna.ID, Client: "another"}, 0)
	end(store.SessionFilter{Mailbox: anna.ID}, 1)
	first.ended(workflow.SessionByOperator)
	third.ended("")
}
