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

// browser has the secret of a session, as in a cookie.
type browser struct {
	t      *testing.T
	w      *storetest.World
	secret string
	v      workflow.Visitor
}

// newBrowser returns a browser whose visitor came from the webmail of a world.
func newBrowser(t *testing.T, w *storetest.World, mailbox int64) *browser {
	b := &browser{t: t, w: w, secret: rand.Text()}
	b.v = workflow.Visitor{Mailbox: mailbox, Client: storetest.Webmail, User: "user-7", Session: workflow.Digest(b.secret)}
	return b
}

// open opens the session.
func (b *browser) open() *browser {
	b.t.Helper()
	storetest.Must(b.t, b.w.Sessions.Open(b.t.Context(), b.v))
	return b
}

// use makes a request with the session.
func (b *browser) use() workflow.Session {
	b.t.Helper()
	s, err := b.w.Sessions.Use(b.t.Context(), b.v.Session)
	storetest.Must(b.t, err)
	return s
}

// checkEnded checks why the session ended; "" means that it is active.
func (b *browser) checkEnded(want workflow.SessionEnd) {
	b.t.Helper()
	if s := b.use(); s.Ended != want {
		b.t.Errorf("the session ended because of %q, want %q", s.Ended, want)
	}
}

func (b *browser) end(why workflow.SessionEnd) {
	b.t.Helper()
	storetest.Must(b.t, b.w.Sessions.End(b.t.Context(), b.v.Session, why))
}

var typedDraft = workflow.Draft{Qualification: uuid.MustParse("0197a1b2-0000-7000-8000-000000000001"), Form: "/contatti",
	Values: map[string][]string{"email": {"anna@mail.example"}}}

func TestOpenAndUseSession(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w, w.Record(t, storetest.AnnasRecord).Case().Mailbox.ID)
	if _, err := w.Sessions.Use(t.Context(), b.v.Session); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("before it is opened: %v", err)
	}
	b.open()
	s := b.use()
	if s.Ended != "" || s.Visitor.Mailbox != b.v.Mailbox || s.Visitor.User != "user-7" ||
		s.Visitor.Client != storetest.Webmail || s.Draft != nil {
		t.Errorf("%+v", s)
	}
	// The row contains only the digest, so it cannot be used as a cookie.
	var rows, digests int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `
		select count(*) filter (where x::text like '%' || $1 || '%'), count(*) filter (where length(digest) = 32) from sessions x`,
		b.secret).Scan(&rows, &digests))
	if rows != 0 || digests != 1 {
		t.Errorf("%d rows contain the secret, and %d a digest; want 0 and 1", rows, digests)
	}
}

func TestSessionLastsWhileUsed(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w, 1).open()
	for range 4 {
		w.Clock.Advance(workflow.SessionIdle - time.Second)
		b.checkEnded("")
	}
	w.Clock.Advance(workflow.SessionIdle + workflow.SessionTouch - time.Second)
	if s, err := w.Sessions.Find(t.Context(), b.v.Session); err != nil || s.Ended != "" {
		t.Errorf("%+v, %v", s, err)
	}
	w.Clock.Advance(time.Second) // Session did not extend it
	b.checkEnded(workflow.SessionWasIdle)
}

// A session is written at most once a minute, and still lasts for SessionIdle after its
// last request.
func TestSessionIsWrittenOnceAMinute(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w, 1).open()
	version := func() (xmin string) {
		storetest.Must(t, w.Pool().QueryRow(t.Context(), `select xmin::text from sessions where digest = $1`, b.v.Session).Scan(&xmin))
		return xmin
	}
	opened := version()
	for range 6 {
		w.Clock.Advance(workflow.SessionTouch / 6)
		b.checkEnded("")
	}
	if version() != opened {
		t.Error("the session was written within a minute")
	}
	w.Clock.Advance(time.Second)
	b.checkEnded("")
	if version() == opened {
		t.Error("the session was not prolonged after a minute")
	}
	w.Clock.Advance(workflow.SessionTouch)
	b.checkEnded("") // not written
	w.Clock.Advance(workflow.SessionIdle - time.Second)
	b.checkEnded("")
}

func TestSessionHasMaximumLife(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w, 1).open()
	const pause = 20 * time.Minute
	for range workflow.SessionLife/pause - 1 {
		w.Clock.Advance(pause)
		b.checkEnded("")
	}
	w.Clock.Advance(pause)
	b.checkEnded(workflow.SessionWasOld)
}

func TestEndedSessionHasReason(t *testing.T) {
	w := newWorld(t)
	for _, why := range []workflow.SessionEnd{
		workflow.SessionLeft, workflow.SessionReplaced, workflow.SessionUsedTwice, workflow.SessionByOperator,
	} {
		b := newBrowser(t, w, 1).open()
		b.end(why)
		b.checkEnded(why)
		b.end(workflow.SessionLeft) // the first reason remains
		b.checkEnded(why)
	}
	idle := newBrowser(t, w, 1).open()
	w.Clock.Advance(workflow.SessionIdle + workflow.SessionTouch)
	idle.end(workflow.SessionLeft)
	idle.checkEnded(workflow.SessionWasIdle)
}

func TestSessionsOfDisabledClientEnd(t *testing.T) {
	w := newWorld(t)
	b, other := newBrowser(t, w, 1).open(), newBrowser(t, w, 1)
	other.v.Client = "another"
	other.open()
	storetest.Must(t, w.DisableClient(t.Context(), storetest.Webmail, w.Clock.Now()))
	b.checkEnded(workflow.SessionClientDisabled)
	other.checkEnded("")
	late := newBrowser(t, w, 1).open() // from a hand-off that was used while the client was disabled
	late.checkEnded(workflow.SessionClientDisabled)
	// They do not become active again if the client is enabled.
	storetest.Must(t, w.EnableClient(t.Context(), storetest.Webmail))
	b.checkEnded(workflow.SessionClientDisabled)
}

func TestDraftOfEndedSession(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w, 1).open()
	keep := func(s workflow.Session) bool {
		kept, err := w.Sessions.KeepDraft(t.Context(), s, typedDraft)
		storetest.Must(t, err)
		return kept
	}
	if keep(b.use()) {
		t.Error("a draft was stored for an active session")
	}
	w.Clock.Advance(workflow.SessionIdle + workflow.SessionTouch)
	if !keep(b.use()) {
		t.Error("the draft was not stored")
	}
	b.checkEnded(workflow.SessionWasIdle)
	w.Clock.Advance(-time.Second) // as on an instance whose clock is behind
	b.checkEnded(workflow.SessionWasIdle)
	w.Clock.Advance(workflow.SessionKept) // a day later
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	former := b.use()

	take := func(change func(*workflow.Visitor)) *workflow.Draft {
		next := newBrowser(t, w, 1)
		change(&next.v)
		s, err := w.Sessions.Replace(t.Context(), former, next.open().use())
		storetest.Must(t, err)
		if got := next.use().Draft; (got == nil) != (s.Draft == nil) {
			t.Errorf("the session has the draft %v, its row %v", s.Draft, got)
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
			t.Errorf("a session with another %s gets the draft", name)
		}
	}
	d := take(func(*workflow.Visitor) {})
	if d == nil || d.Form != typedDraft.Form || d.Qualification != typedDraft.Qualification ||
		d.Values.Get("email") != "anna@mail.example" {
		t.Fatalf("%+v", d)
	}
	if b.use().Draft != nil {
		t.Error("the previous session still has the draft")
	}
	w.Clock.Advance(2 * time.Second)
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if _, err := w.Sessions.Find(t.Context(), b.v.Session); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("the session still exists a day after its end: %v", err)
	}
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	w := newWorld(t)
	anna, sara := w.Record(t, storetest.AnnasRecord).Case().Mailbox, w.Record(t, storetest.AnnasRecord).Case().Mailbox
	first := newBrowser(t, w, anna.ID).open()
	w.Clock.Advance(time.Second)
	second := newBrowser(t, w, anna.ID).open()
	w.Clock.Advance(time.Second)
	third := newBrowser(t, w, sara.ID)
	third.v.Client = "another"
	third.open()
	newBrowser(t, w, sara.ID).open().end(workflow.SessionLeft)
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
	want := []string{of(sara, "another"), of(anna, storetest.Webmail), of(anna, storetest.Webmail)}
	if got := listed(store.SessionFilter{}); !slices.Equal(got, want) {
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
	second.checkEnded(workflow.SessionByOperator)
	first.checkEnded("")
	end(store.SessionFilter{ID: all[0].ID}, 0)
	end(store.SessionFilter{Mailbox: anna.ID, Client: "another"}, 0)
	end(store.SessionFilter{Mailbox: anna.ID}, 1)
	first.checkEnded(workflow.SessionByOperator)
	third.checkEnded("")
}
