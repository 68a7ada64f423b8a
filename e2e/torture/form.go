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

// formEvents contains the events of the procedure that a form can cause if it
// succeeds.
var formEvents = map[string][]string{
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

// lapsed is the event that any form causes if its login is no longer valid.
const lapsed = "identity_lapsed"

// A filled is a form that is ready to be sent.
type filled struct {
	action string
	values url.Values
	id     stepID // the step that the form belongs to
}

// fill returns the form with an action. Fields keep their values, except those in
// typed.
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
	f.id, _ = b.shownStep()
	return f, nil
}

// submit sends a form of the page, sometimes with a double click, and shows the
// next page.
func (b *browser) submit(ctx context.Context, action string, typed map[string]string) error {
	f, err := b.fill(action, typed)
	if err != nil {
		return err
	}
	if b.rand.IntN(12) == 0 {
		b.recorder.count("double clicks")
		b.firstClick(ctx, f)
	}
	return b.post(ctx, f)
}

// post sends a form and records what the answer means.
func (b *browser) post(ctx context.Context, f filled) error {
	for _, event := range append([]string{lapsed}, formEvents[f.action]...) {
		b.recorder.recordAttempt(f.id, event)
	}
	r, err := b.request(ctx, http.MethodPost, f.action, f.values)
	if err != nil {
		return err
	}
	to, err := b.follow(r)
	if to != "" && formEvents[f.action] != nil {
		b.recordAnswer(f, to)
	}
	return err
}

// recordAnswer records the step that a form has made, if the answer redirects to the
// first page and has no notice to the contrary.
func (b *browser) recordAnswer(f filled, to string) {
	at, err := url.Parse(to)
	if err != nil || at.Path != "/" {
		return
	}
	next := stepID{f.id.qualification, f.id.version + 1}
	switch b.notice {
	case "moved_on", "contract_changed":
		return
	case lapsedNotice:
		b.recorder.recordStep(next, lapsed)
		return
	}
	if f.action == "/invito/annulla" { // it is valid for any version since the invitation
		next.version = 0
	}
	b.recorder.recordStep(next, "")
}

const lapsedNotice = "lapsed"

// firstClick sends the first request of a double click. It does not always wait for
// the answer.
func (b *browser) firstClick(ctx context.Context, f filled) {
	for _, event := range formEvents[f.action] {
		b.recorder.recordAttempt(f.id, event)
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

// attribute returns an attribute of an element, or "".
func (b *browser) attribute(selector, name string) string {
	return strings.TrimSpace(b.page.document.Find(selector).AttrOr(name, ""))
}
