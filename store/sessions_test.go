package store_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"stella/store"
	"stella/store/storetest"
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
