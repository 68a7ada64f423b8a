package store_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/uuid"
	"github.com/gorilla/sessions"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
)

const (
	cookieName  = "stella"
	sessionLife = 30 * time.Minute
)

// browser keeps one cookie, as browsers do.
type browser struct {
	t        *testing.T
	sessions *store.Sessions
	cookie   *http.Cookie
}

func newBrowser(t *testing.T, w *storetest.World) *browser {
	return &browser{t: t, sessions: &store.Sessions{Store: w.Store, Life: sessionLife, Now: w.Clock.Now,
		Options: sessions.Options{Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}}}
}

// visit reads the session of a request, and saves it if so asked.
func (b *browser) visit(change func(*sessions.Session)) *sessions.Session {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), "GET", "/", nil)
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	s, err := b.sessions.Get(r, cookieName)
	if err != nil {
		b.t.Fatalf("reading the session: %v", err)
	}
	if change != nil {
		change(s)
		w := httptest.NewRecorder()
		storetest.Must(b.t, s.Save(r, w))
		b.cookie = w.Result().Cookies()[0]
	}
	return s
}

func (b *browser) enter() { b.visit(func(s *sessions.Session) { s.Values["visitor"] = "anna" }) }

func TestASessionIsKept(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w)
	if s := b.visit(nil); !s.IsNew || len(s.Values) != 0 {
		t.Errorf("without a cookie: %+v", s)
	}
	b.enter()
	if c := b.cookie; len(c.Value) < 43 || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 0 || c.Domain != "" {
		t.Errorf("the cookie is %+v", c)
	}
	if s := b.visit(nil); s.IsNew || s.Values["visitor"] != "anna" || s.ID != b.cookie.Value {
		t.Errorf("with the cookie: %+v", s)
	}
	was := b.cookie.Value
	b.visit(func(s *sessions.Session) { s.Values["visitor"] = "sara" })
	if s := b.visit(nil); s.Values["visitor"] != "sara" || b.cookie.Value != was {
		t.Errorf("after a change: %+v", s)
	}
	other := newBrowser(t, w)
	other.enter()
	if other.cookie.Value == b.cookie.Value {
		t.Error("two sessions have one secret")
	}
	// No row can be used as a cookie.
	var rows, digests int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `
		select count(*) filter (where x::text like '%' || $1 || '%'), count(*) filter (where length(digest) = 32) from sessions x`,
		was).Scan(&rows, &digests))
	if rows != 0 || digests != 2 {
		t.Errorf("%d rows hold the secret, %d hold a digest of 2", rows, digests)
	}
}

func TestASessionLastsWhileItIsUsed(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w)
	b.enter()
	for range 4 {
		w.Clock.Advance(sessionLife - time.Second)
		if b.visit(nil).IsNew {
			t.Fatal("a session in use ended")
		}
	}
	w.Clock.Advance(sessionLife)
	if !b.visit(nil).IsNew {
		t.Error("a session outlives its life")
	}
	w.Clock.Advance(-sessionLife / 2)
	if b.visit(nil).IsNew {
		t.Error("looking at a session that is over ended it") // the clock decides, nothing else
	}
}

func TestASessionThatEndedIsOverEverywhere(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w)
	b.enter()
	thief := newBrowser(t, w)
	stolen := *b.cookie
	thief.cookie = &stolen
	if thief.visit(nil).IsNew {
		t.Fatal("the copy of a cookie is as good as the cookie")
	}
	b.visit(func(s *sessions.Session) { s.Options.MaxAge = -1 })
	if b.cookie.Value != "" || b.cookie.MaxAge >= 0 {
		t.Errorf("the cookie left is %+v", b.cookie)
	}
	if !thief.visit(nil).IsNew {
		t.Error("a session that was left goes on")
	}
}

func TestAGarbageCookieIsNoError(t *testing.T) {
	w := newWorld(t)
	for _, value := range []string{"", "x", strings.Repeat("a", 3000), "' or true --", "MTYxNjE2fER2LUJ|"} {
		b := newBrowser(t, w)
		b.cookie = &http.Cookie{Name: cookieName, Value: value}
		if s := b.visit(nil); !s.IsNew || s.ID != "" {
			t.Errorf("%q: %+v", value, s)
		}
		// What a stranger chose never becomes a session's secret.
		b.enter()
		if b.cookie.Value == value {
			t.Errorf("%q became a session", value)
		}
	}
}

func TestASessionWithoutADatabaseIsAnError(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t, w)
	b.enter()
	gone, cancel := context.WithCancel(t.Context())
	cancel() // no database answers within this
	r := httptest.NewRequestWithContext(gone, "GET", "/", nil)
	r.AddCookie(b.cookie)
	if s, err := b.sessions.Get(r, cookieName); err == nil || s == nil {
		t.Errorf("%v, %v: the database is gone, which is not the same as a session that ended", s, err)
	}
}

func TestAHandOffUsedTwiceEndsTheFirstSession(t *testing.T) {
	w := newWorld(t)
	j := w.Record(t, storetest.AnnasRecord)
	secret, err := w.HandOff(t.Context(), j.Address)
	storetest.Must(t, err)
	first := newBrowser(t, w)
	first.enter()
	bystander := newBrowser(t, w)
	bystander.enter()
	start := func(b *browser) error {
		_, err := w.Procedure.Start(t.Context(), secret, workflow.Digest(b.cookie.Value), netip.Addr{}, "")
		return err
	}
	open := func() bool {
		open, err := w.Procedure.HandOffOpen(t.Context(), secret)
		storetest.Must(t, err)
		return open
	}
	if !open() {
		t.Error("the link is closed before its use")
	}
	storetest.Must(t, start(first))
	if open() || first.visit(nil).IsNew {
		t.Error("after the first use: the link open, or the session gone")
	}
	second := newBrowser(t, w)
	second.enter()
	if err := start(second); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("a second use: %v", err)
	}
	if !first.visit(nil).IsNew {
		t.Error("the first session goes on")
	}
	if bystander.visit(nil).IsNew {
		t.Error("somebody else's session ended")
	}
	if err := start(second); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("a third use: %v", err)
	}

	// One that was never used ends nobody's session, however late it comes.
	secret, err = w.HandOff(t.Context(), j.Address)
	storetest.Must(t, err)
	w.Clock.Advance(workflow.HandOffLife)
	if open() || !errors.Is(start(second), workflow.ErrUnknown) || bystander.visit(nil).IsNew {
		t.Error("an old link")
	}
	secret = "a guess"
	if open() || !errors.Is(start(second), workflow.ErrUnknown) {
		t.Error("a guessed link")
	}
}

func TestAHandOffIsUsedByOneOfMany(t *testing.T) {
	w := newWorld(t)
	j := w.Record(t, storetest.AnnasRecord)
	secret, err := w.HandOff(t.Context(), j.Address)
	storetest.Must(t, err)
	var won atomic.Int32
	atOnce(func(int) {
		_, err := w.UseHandOff(t.Context(), workflow.Digest(secret), []byte(uuid.NewString()), w.Clock.Now())
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, workflow.ErrUnknown) {
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d used it", won.Load())
	}
}

// atOnce calls f twenty times at once.
func atOnce(f func(n int)) {
	var all sync.WaitGroup
	begin := make(chan bool)
	for n := range 20 {
		all.Go(func() {
			<-begin
			f(n)
		})
	}
	close(begin)
	all.Wait()
}

func response(login string, w *storetest.World) workflow.Message {
	return workflow.Message{ID: uuid.New(), Login: login, Direction: "response", Body: []byte("<Response/>"), ReceivedAt: w.Clock.Now()}
}

func TestARequestIsAnsweredOnce(t *testing.T) {
	w := newWorld(t)
	j := w.Reach(t, workflow.AtProvider)
	login := j.Case().Qualification.Login.ID
	var won atomic.Int32
	atOnce(func(int) {
		err := w.ClaimAnswer(t.Context(), login, w.Answer(storetest.Anna), response(login, w))
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, workflow.ErrUnknown) {
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d answers were taken", won.Load())
	}
	var kept int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from messages where direction = 'response'`).Scan(&kept))
	if kept != 1 {
		t.Errorf("%d answers were archived", kept)
	}
	if err := w.ClaimAnswer(t.Context(), "_unheard", w.Answer(storetest.Anna), response("_unheard", w)); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("an answer to nothing: %v", err)
	}
}

func TestAnAssertionCountsOnce(t *testing.T) {
	w := newWorld(t)
	a := w.Answer(storetest.Anna)
	one, other := w.Reach(t, workflow.AtProvider).Case().Qualification.Login.ID, w.Reach(t, workflow.AtProvider).Case().Qualification.Login.ID
	storetest.Must(t, w.ClaimAnswer(t.Context(), one, a, response(one, w)))
	a.Handle = workflow.Digest("another handle")
	if err := w.ClaimAnswer(t.Context(), other, a, response(other, w)); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("the same assertion for another request: %v", err)
	}
	// The request it was tried on is not answered by that.
	storetest.Must(t, w.ClaimAnswer(t.Context(), other, w.Answer(storetest.Anna), response(other, w)))

	// A login that failed has no assertion, and there may be many.
	for range 2 {
		id := w.Reach(t, workflow.AtProvider).Case().Qualification.Login.ID
		storetest.Must(t, w.ClaimAnswer(t.Context(), id, workflow.Answer{Handle: []byte(id), Failure: "nr25", ReceivedAt: w.Clock.Now()}, response(id, w)))
	}
}

// parked reports whether a login's answer still waits.
func parked(t *testing.T, w *storetest.World, login string) bool {
	t.Helper()
	l, err := w.LoginByID(t.Context(), login)
	storetest.Must(t, err)
	return l.Answer != nil
}

func TestAnswersAreDestroyed(t *testing.T) {
	w := newWorld(t)
	park := func() (string, workflow.Answer, []byte) {
		l := w.Reach(t, workflow.AtProvider).Case().Qualification.Login
		a := w.Answer(storetest.Anna)
		storetest.Must(t, w.ClaimAnswer(t.Context(), l.ID, a, response(l.ID, w)))
		if !parked(t, w, l.ID) {
			t.Fatal("the answer is not parked")
		}
		return l.ID, a, l.Session
	}
	byHandle, a, _ := park()
	bySession, _, session := park()
	neither, b, _ := park()
	storetest.Must(t, w.DiscardAnswers(t.Context(), workflow.Digest("a guess"), nil))
	storetest.Must(t, w.DiscardAnswers(t.Context(), a.Handle, session))
	if parked(t, w, byHandle) || parked(t, w, bySession) || !parked(t, w, neither) {
		t.Errorf("by the handle %v, by the session %v, neither %v", parked(t, w, byHandle), parked(t, w, bySession), parked(t, w, neither))
	}
	// What was parked comes back as it was.
	l, err := w.LoginByID(t.Context(), neither)
	storetest.Must(t, err)
	if got := *l.Answer.Assertion; got != *b.Assertion || !bytes.Equal(l.Answer.Handle, b.Handle) || !l.Answer.ReceivedAt.Equal(b.ReceivedAt) {
		t.Errorf("parked %+v, read %+v", b.Assertion, got)
	}
	// It is gone from the row, with the person's data; and is answered all the same.
	var left int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from logins x where x::text like '%NRENNA%'`).Scan(&left))
	if left != 1 {
		t.Errorf("%d rows hold a fiscal code, want that of the one that waits", left)
	}
	if err := w.ClaimAnswer(t.Context(), byHandle, w.Answer(storetest.Anna), response(byHandle, w)); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("another answer after the first was destroyed: %v", err)
	}
}

func TestWhatIsOverIsSweptAway(t *testing.T) {
	w := newWorld(t)
	old, young := newBrowser(t, w), newBrowser(t, w)
	old.enter()
	j := w.Reach(t, workflow.AtProvider)
	login := j.Case().Qualification.Login.ID
	storetest.Must(t, w.ClaimAnswer(t.Context(), login, w.Answer(storetest.Anna), response(login, w)))
	count := func(table string) (n int) {
		storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from `+table).Scan(&n))
		return n
	}

	w.Clock.Advance(workflow.AnswerLife)
	young.enter()
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if count("sessions") != 2 || count("handoffs") != 1 || !parked(t, w, login) {
		t.Errorf("%d sessions, %d hand-offs, the answer %v: all still count", count("sessions"), count("handoffs"), parked(t, w, login))
	}
	w.Clock.Advance(sessionLife - workflow.AnswerLife + time.Second)
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if count("sessions") != 1 || young.visit(nil).IsNew || parked(t, w, login) {
		t.Errorf("%d sessions, the answer %v", count("sessions"), parked(t, w, login))
	}
	// A hand-off is kept for a while: its second use is worth knowing.
	w.Clock.Advance(25 * time.Hour)
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if count("sessions") != 0 || count("handoffs") != 0 {
		t.Errorf("%d sessions, %d hand-offs", count("sessions"), count("handoffs"))
	}
	if n := count("steps"); n == 0 || count("logins") != 1 || count("messages") != 2 {
		t.Errorf("the sweep took what is to be kept: %d steps, %d logins, %d messages", n, count("logins"), count("messages"))
	}
}

func TestTheArchiveIsTheAuditors(t *testing.T) {
	w := newWorld(t)
	j := w.Reach(t, workflow.Identification)
	login := j.LogIn()
	secret := bytes.Repeat([]byte("<Response>NRENNA80A41H501T</Response>\n"), 3000) // more than a chunk of age
	storetest.Must(t, w.ClaimAnswer(t.Context(), login, w.Answer(storetest.Anna),
		workflow.Message{ID: uuid.New(), Login: login, Direction: "response", Body: secret, ReceivedAt: w.Clock.Now()}))
	all, err := w.OpenArchive(t.Context(), login, storetest.Auditor)
	storetest.Must(t, err)
	if len(all) != 2 || all[0].Direction != "request" || string(all[0].Body) != "<AuthnRequest/>" || all[0].Login != login ||
		all[1].Direction != "response" || !bytes.Equal(all[1].Body, secret) || !all[1].ReceivedAt.Equal(w.Clock.Now()) {
		t.Errorf("the archive gives back %+v", all)
	}
	rows, err := w.Pool().Query(t.Context(), `select sealed, sha256 from messages`)
	storetest.Must(t, err)
	defer rows.Close()
	for rows.Next() {
		var sealed []byte
		var digest string
		storetest.Must(t, rows.Scan(&sealed, &digest))
		if !bytes.HasPrefix(sealed, []byte("age-encryption.org/v1")) || len(digest) != 64 {
			t.Errorf("sealed is %.40q", sealed)
		}
		for _, plain := range []string{"NRENNA", "<Response", "<AuthnRequest", login} {
			if bytes.Contains(sealed, []byte(plain)) {
				t.Errorf("the sealed message holds %q", plain)
			}
		}
	}
	stranger, err := age.GenerateX25519Identity()
	storetest.Must(t, err)
	if all, err := w.OpenArchive(t.Context(), login, stranger); err == nil {
		t.Errorf("another key opens %d messages", len(all))
	}
	if all, err := w.OpenArchive(t.Context(), "_unheard", storetest.Auditor); err != nil || len(all) != 0 {
		t.Errorf("a login that is not there: %v, %v", all, err)
	}
	// Nothing is archived in clear, not even for want of an auditor.
	w.SealTo(nil)
	other := w.Reach(t, workflow.Identification)
	err = w.Procedure.StartLogin(t.Context(), other.Visitor, workflow.Login{ID: "_1", StartedAt: w.Clock.Now()}, []byte("<AuthnRequest/>"))
	if err == nil || other.Case().Qualification.State != workflow.Identification {
		t.Errorf("a login that cannot be archived: %v", err)
	}
}

func TestOnlyAFewRefusedAnswersAreKept(t *testing.T) {
	w := newWorld(t)
	login := w.Reach(t, workflow.AtProvider).Case().Qualification.Login.ID
	other := w.Reach(t, workflow.AtProvider).Case().Qualification.Login.ID
	for range 8 {
		storetest.Must(t, w.KeepMessage(t.Context(), response(login, w)))
	}
	storetest.Must(t, w.KeepMessage(t.Context(), response(other, w)))
	for id, want := range map[string]int{login: 5, other: 1} {
		all, err := w.OpenArchive(t.Context(), id, storetest.Auditor)
		storetest.Must(t, err)
		if len(all)-1 != want { // and the request
			t.Errorf("%d answers were kept, want %d", len(all)-1, want)
		}
	}
	// The one that counts is kept all the same.
	storetest.Must(t, w.ClaimAnswer(t.Context(), login, w.Answer(storetest.Anna), response(login, w)))
	if all, err := w.OpenArchive(t.Context(), login, storetest.Auditor); err != nil || len(all) != 7 {
		t.Errorf("%d messages, %v", len(all), err)
	}
	if err := w.KeepMessage(t.Context(), response("_unheard", w)); err == nil {
		t.Error("a message of no login was kept")
	}
}

func TestMailboxesAreListed(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, "c@pec.example", storetest.AnnasRecord)
	b := w.RecordAs(t, "b@pec.example", storetest.AnnasRecord)
	b.To(workflow.Qualified)
	a := w.RecordAs(t, "a@pec.example", workflow.Record{Kind: workflow.KindPerson, Name: "Anna", Email: "a@mail.example"})
	a.To(workflow.UnderReview)
	_, err := w.Procedure.Record(t.Context(), "tests", "c@pec.example", workflow.Cancelled, storetest.AnnasRecord)
	storetest.Must(t, err)

	all, err := w.Mailboxes(t.Context(), "")
	storetest.Must(t, err)
	want := []store.Listed{
		{Address: "a@pec.example", Status: workflow.Active, Kind: workflow.KindPerson, State: workflow.UnderReview, Number: 2, Since: w.Clock.Now()},
		{Address: "b@pec.example", Status: workflow.Active, Kind: workflow.KindPerson, State: workflow.Qualified, Number: 1, Since: w.Clock.Now(), Starred: true},
		{Address: "c@pec.example", Status: workflow.Cancelled, Kind: workflow.KindPerson},
	}
	for i := range all {
		all[i].Since = all[i].Since.UTC()
	}
	want[2].Since = time.Time{}.UTC()
	if !slices.Equal(all, want) {
		t.Errorf("listed\n%+v\nwant\n%+v", all, want)
	}
	reviews, err := w.Mailboxes(t.Context(), workflow.UnderReview)
	storetest.Must(t, err)
	if len(reviews) != 1 || reviews[0].Address != "a@pec.example" {
		t.Errorf("under review: %+v", reviews)
	}

	// Of several qualifications the newest is told; the unfinished before all.
	storetest.Must(t, w.Procedure.Revoke(t.Context(), "tests", "b@pec.example", 0, "a mistake"))
	revoked, err := w.Mailboxes(t.Context(), workflow.Revoked)
	storetest.Must(t, err)
	b.Visitor = b.Enter("another browser")
	again, err := w.Mailboxes(t.Context(), workflow.HolderChoice)
	storetest.Must(t, err)
	if len(revoked) != 1 || len(again) != 1 || again[0].Address != "b@pec.example" || again[0].Number != 3 || again[0].Starred {
		t.Errorf("revoked: %+v, and begun again: %+v", revoked, again)
	}
	if address, err := w.AddressOf(t.Context(), 1); err != nil || address != "b@pec.example" {
		t.Errorf("case 1: %q, %v", address, err)
	}
	if _, err := w.AddressOf(t.Context(), 4711); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("case 4711: %v", err)
	}
}

func TestTheHistoryTellsEveryStepAndMail(t *testing.T) {
	w := newWorld(t)
	j := w.Reach(t, workflow.Revoked)
	h := j.History()
	var events []workflow.Event
	for i, s := range h.Steps {
		events = append(events, s.Event)
		if s.Version != i+1 || i > 0 && s.From != h.Steps[i-1].To || s.Qualification != h.Case.Qualification.ID {
			t.Errorf("step %d is %+v", i+1, s)
		}
	}
	want := []workflow.Event{workflow.Opened, workflow.HolderDeclared, workflow.ProcedureBegun, workflow.PersonChosen, workflow.ContactsEntered,
		workflow.DataConfirmed, workflow.LoginStarted, workflow.HolderMatched, workflow.IdentityConfirmed, workflow.ContractRead,
		workflow.CodeRequested, workflow.CodeRight, workflow.RevokedByProvider}
	if !slices.Equal(events, want) {
		t.Errorf("the events are\n%v, want\n%v", events, want)
	}
	first, last := h.Steps[0], h.Steps[len(h.Steps)-1]
	if a := first.Actor; a.Kind != workflow.ByWebmail || a.Client != storetest.Webmail || a.Name != "user-7" || a.Address != netip.MustParseAddr("192.0.2.7") || a.Request != "request-1" {
		t.Errorf("who opened: %+v", a)
	}
	if a := last.Actor; a.Kind != workflow.ByOperator || a.Name != "tests" || a.Address.IsValid() || last.Refs["decision"] == "" {
		t.Errorf("who revoked: %+v, on %v", a, last.Refs)
	}
	if len(h.Decisions) != 1 || h.Decisions[0].ID.String() != last.Refs["decision"] || h.Decisions[0].Operator != "tests" || h.Decisions[0].Reason != "a mistake" {
		t.Errorf("the decisions: %+v", h.Decisions)
	}
	// The log holds references, and no personal data.
	var personal int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from steps s where s::text ~* 'NRENNA|anna|neri|mail\.example'`).Scan(&personal))
	if personal != 0 {
		t.Errorf("%d steps tell of the person", personal)
	}
	var mails []string
	for _, m := range h.Mails {
		mails = append(mails, string(m.Kind)+" "+m.Outcome)
	}
	if want := []string{"code accepted", "qualified waiting", "qualified_pec waiting", "revoked waiting", "revoked waiting"}; !slices.Equal(mails, want) {
		t.Errorf("the mails are %v, want %v", mails, want)
	}
	if m := h.Mails[0]; m.Attempts != 1 || m.Reply != "2.0.0 OK: queued" || m.To != "anna.neri@mail.example" {
		t.Errorf("the code's mail: %+v", m)
	}

	empty, err := w.History(t.Context(), w.Record(t, storetest.AnnasRecord).Mailbox, 0)
	if err != nil || empty.Case.Qualification != nil || len(empty.Steps) != 0 {
		t.Errorf("a mailbox without a qualification: %+v, %v", empty, err)
	}
}

// A mail's outcome is written once.
func TestAnAcceptedMailStaysAccepted(t *testing.T) {
	w := newWorld(t)
	w.Reach(t, workflow.CodeEntry)
	var id uuid.UUID
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select id from mails`).Scan(&id))
	_, err := w.StartMail(t.Context(), id, w.Clock.Now())
	storetest.Must(t, err)
	_, err = w.StartMail(t.Context(), id, w.Clock.Now()) // a second sender, after a crash that was none
	storetest.Must(t, err)
	storetest.Must(t, w.MailAccepted(t.Context(), id, "taken", w.Clock.Now()))
	storetest.Must(t, w.MailDeferred(t.Context(), id, "later", false))
	storetest.Must(t, w.MailRefused(t.Context(), id, "never", w.Clock.Now()))
	storetest.Must(t, w.MailDropped(t.Context(), id, w.Clock.Now()))
	var reply string
	var attempts int
	var started, refused, dropped *time.Time
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select reply, attempts, started_at, refused_at, dropped_at from mails`).Scan(&reply, &attempts, &started, &refused, &dropped))
	if reply != "taken" || attempts != 2 || started == nil || refused != nil || dropped != nil {
		t.Errorf("%q, %d attempts, started %v, refused %v, dropped %v", reply, attempts, started, refused, dropped)
	}
	if _, err := w.StartMail(t.Context(), id, w.Clock.Now()); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("it can be started again: %v", err)
	}
}

func TestClientsHaveOneNameAndOneToken(t *testing.T) {
	w := newWorld(t)
	again := workflow.Client{Name: storetest.Webmail, Domains: []string{"altrove.example"}, ReturnURLs: []string{"https://altrove.example/"}, Scopes: []workflow.Scope{workflow.ScopeWebmail}}
	if err := w.AddClient(t.Context(), again, workflow.Digest("another token"), w.Clock.Now()); !errors.Is(err, store.ErrExists) {
		t.Errorf("the same name: %v", err)
	}
	again.Name = "another"
	if err := w.AddClient(t.Context(), again, workflow.Digest(storetest.Token), w.Clock.Now()); !errors.Is(err, store.ErrExists) {
		t.Errorf("the same token: %v", err)
	}
	again.Name = storetest.Webmail
	storetest.Must(t, w.PutClient(t.Context(), again, workflow.Digest("another token"), w.Clock.Now()))
	if _, err := w.Standing(t.Context(), workflow.Digest(storetest.Token), "a@b.example", w.Clock.Now()); !errors.Is(err, workflow.ErrUnauthorized) {
		t.Errorf("the former token: %v", err)
	}
	c, err := w.ClientByToken(t.Context(), workflow.Digest("another token"), w.Clock.Now())
	if err != nil || !slices.Equal(c.Domains, again.Domains) || !slices.Equal(c.ReturnURLs, again.ReturnURLs) {
		t.Errorf("%+v, %v", c, err)
	}
	if asked, err := w.Standing(t.Context(), workflow.Digest("another token"), "a@b.example", w.Clock.Now()); err != nil || asked.Standing != nil {
		t.Errorf("%+v, %v", asked, err)
	}
}

// Both uses of a hand-off may come before either has a session.
func TestAHandOffUsedTwiceAtOnceIsHeldByNobody(t *testing.T) {
	w := newWorld(t)
	j := w.Record(t, storetest.AnnasRecord)
	secret, err := w.HandOff(t.Context(), j.Address)
	storetest.Must(t, err)
	token, first := workflow.Digest(secret), workflow.Digest("first")
	_, err = w.UseHandOff(t.Context(), token, first, w.Clock.Now())
	storetest.Must(t, err)
	if held, err := w.HandOffHeld(t.Context(), token, first); err != nil || !held {
		t.Errorf("used once: held %v, %v", held, err)
	}
	if _, err := w.UseHandOff(t.Context(), token, workflow.Digest("second"), w.Clock.Now()); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("used twice: %v", err)
	}
	if held, err := w.HandOffHeld(t.Context(), token, first); err != nil || held {
		t.Errorf("used twice: held %v, %v", held, err)
	}
}
