package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"stella/web/webtest"
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
	webtest.Form
	action string // as the page writes it
	id     stepID // the step that the form belongs to
}

// fill returns the form with an action. Fields keep their values, except those in
// typed.
func (b *browser) fill(action string, typed map[string]string) (filled, error) {
	form, err := b.FormTo(action)
	if err != nil {
		return filled{}, err
	}
	for name, value := range typed {
		form = form.With(name, value)
	}
	id, _ := b.shownStep()
	return filled{form, action, id}, nil
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
	to, err := b.send(ctx, http.MethodPost, f.Action, f.Values)
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
	window := b.Window()
	wait := time.Duration(b.rand.IntN(30)) * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, wait+time.Millisecond)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		if r, err := window.Request(ctx, http.MethodPost, f.Action, f.Values); err == nil {
			window.Send(r)
		}
	}()
	pause(ctx, wait)
	if b.rand.IntN(2) == 0 {
		<-done
	}
}

// shows reports whether the page has a form.
func (b *browser) shows(action string) bool {
	return b.Find(`main form[action="`+action+`"]`).Length() > 0
}

// attribute returns an attribute of an element, or "".
func (b *browser) attribute(selector, name string) string {
	return strings.TrimSpace(b.Find(selector).AttrOr(name, ""))
}
