package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// fires names the events that a form can fire, as the procedure's diagram has
// them, where all goes as the form says.
var fires = map[string][]string{
	"/scelta":                 {"holder_declared", "holder_denied"},
	"/introduzione":           {"procedure_begun"},
	"/indietro":               {"stepped_back"},
	"/invito":                 {"holder_invited"},
	"/invito/annulla":         {"invitation_withdrawn"},
	"/invito/intestatario":    {"invitation_withdrawn", "holder_declared"},
	"/intestatario":           {"company_chosen", "person_chosen"},
	"/impresa":                {"company_entered", "company_differs"},
	"/contatti":               {"contacts_entered"},
	"/riepilogo":              {"data_confirmed"},
	"/riepilogo/intestatario": {"data_corrected"},
	"/riepilogo/contatti":     {"data_corrected"},
	"/identita":               {"identity_confirmed"},
	"/identita/altra":         {"identity_disowned"},
	"/identita/contatti":      {"contacts_corrected"},
	"/informativa":            {"contract_acknowledged"},
	"/codice":                 {"code_right", "code_right_unproven"},
	"/codice/invia":           {"code_requested"},
	"/codice/contatti":        {"contacts_corrected"},
	"/riprova":                {"retried"},
	"/riprova/identita":       {"login_retried"},
	"/riprova/invito":         {"holder_denied"},
}

// lapsed is what any form fires whose login does not count any more.
const lapsed = "identity_lapsed"

// A filled form is ready to be sent.
type filled struct {
	action string
	values url.Values
	id     stepID // what it was made for
}

// fill fills the form in: what stands there stays, unless it is typed over.
func (b *browser) fill(action string, typed map[string]string) (filled, error) {
	form := b.page.document.Find(`form[method="post"]`).FilterFunction(func(_ int, s *goquery.Selection) bool {
		return s.AttrOr("action", b.page.url.Path) == action
	}).First()
	if form.Length() == 0 {
		return filled{}, fmt.Errorf("there is no form %s on the page %q", action, b.heading())
	}
	f := filled{action: action, values: url.Values{}}
	form.Find("input[name]").Each(func(_ int, s *goquery.Selection) {
		if _, checked := s.Attr("checked"); s.AttrOr("type", "") != "radio" || checked {
			f.values.Set(s.AttrOr("name", ""), s.AttrOr("value", ""))
		}
	})
	for name, value := range typed {
		f.values.Set(name, value)
	}
	f.id, _ = b.stands()
	return f, nil
}

// submit sends a form of the page, now and then with a double click, and shows
// the page it leads to.
func (b *browser) submit(ctx context.Context, action string, typed map[string]string) error {
	f, err := b.fill(action, typed)
	if err != nil {
		return err
	}
	if b.rand.IntN(12) == 0 {
		b.ledger.count("double clicks")
		b.clickTwice(ctx, f)
	}
	return b.post(ctx, f)
}

// post sends a form and notes what the answer says of it: a step was made, if
// it leads on without another word.
func (b *browser) post(ctx context.Context, f filled) error {
	for _, event := range append([]string{lapsed}, fires[f.action]...) {
		b.ledger.try(f.id, event)
	}
	r, err := b.request(ctx, http.MethodPost, f.action, f.values)
	if err != nil {
		return err
	}
	to, err := b.load(r)
	if to != "" && fires[f.action] != nil {
		b.note(f, to)
	}
	return err
}

func (b *browser) note(f filled, to string) {
	at, err := url.Parse(to)
	if err != nil || at.Path != "/" {
		return
	}
	next := stepID{f.id.qualification, f.id.version + 1}
	switch b.notice {
	case "moved_on", "contract_changed":
		return
	case lapsedNotice:
		b.ledger.hold(next, lapsed)
		return
	}
	if f.action == "/invito/annulla" { // which is for any version since the invitation
		next.version = 0
	}
	b.ledger.hold(next, "")
}

const lapsedNotice = "lapsed"

// clickTwice is the first of two clicks: its answer is not waited for.
func (b *browser) clickTwice(ctx context.Context, f filled) {
	for _, event := range fires[f.action] {
		b.ledger.try(f.id, event)
	}
	wait := time.Duration(b.rand.IntN(30)) * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, wait+time.Millisecond)
	r, err := b.request(ctx, http.MethodPost, f.action, f.values)
	if err != nil {
		cancel()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		if answer, err := b.client.Do(withCookies(r, b.jar)); err == nil {
			answer.Body.Close()
		}
	}()
	pause(ctx, wait)
	if b.rand.IntN(2) == 0 {
		<-done
	}
}

func withCookies(r *http.Request, jar http.CookieJar) *http.Request {
	for _, c := range jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return r
}

// shows reports whether the page has a form.
func (b *browser) shows(action string) bool {
	return b.page.document.Find(`main form[action="`+action+`"]`).Length() > 0
}

// attribute reads a number that the page tells its script, or a word.
func (b *browser) attribute(selector, name string) string {
	return strings.TrimSpace(b.page.document.Find(selector).AttrOr(name, ""))
}
