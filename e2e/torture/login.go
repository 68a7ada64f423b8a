package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
)

func (w *walk) beginLogin(ctx context.Context) error {
	if w.page.kind == "at_provider" && (w.whims.insists || w.rand.IntN(2) == 0) {
		return w.startLogin(ctx)
	}
	return w.open(ctx, w.site+"/identificazione") // with the list, since SPID is the only method
}

// startLogin follows the link that starts a login, which is a step.
func (w *walk) startLogin(ctx context.Context) error {
	link := w.page.document.Find(`main a[href^="/identificazione/avvia"]`).First()
	if link.Length() == 0 {
		return fmt.Errorf("no login can be started on the page %q", w.heading())
	}
	r, err := w.request(ctx, http.MethodGet, link.AttrOr("href", ""), nil)
	if err != nil {
		return err
	}
	to, err := w.load(r)
	if hostOf(to) == hostOf(w.world.provider) {
		w.ledger.count("logins started")
	}
	return err
}

// logIn chooses an identity at the provider, or leaves there and begins again.
func (w *walk) logIn(ctx context.Context) error {
	if w.whims.insists {
		return w.home(ctx)
	}
	form := map[string]string{}
	switch {
	case take(&w.whims.cancels):
		form["cancel"] = "yes"
	case !w.mailbox.unknown && take(&w.whims.wrongPersons):
		form["person"] = strconv.Itoa((w.world.indexOf(w.mailbox.holder) + 1) % population)
	default:
		form["person"] = strconv.Itoa(w.world.indexOf(w.mailbox.holder))
	}
	return w.tellProvider(ctx, "/login", form)
}

func (w *walk) consent(ctx context.Context) error {
	consent := "yes"
	if take(&w.whims.cancels) {
		consent = "no"
	}
	return w.tellProvider(ctx, "/consent", map[string]string{"consent": consent})
}

// bringAnswer carries the provider's answer to Stella. Who gets no page sends
// it again, as with a reload; or goes back to the procedure, as after any
// trouble.
func (w *walk) bringAnswer(ctx context.Context) error {
	action := w.attribute("main form", "action")
	f, err := w.fill(action, nil)
	if err != nil {
		return err
	}
	for range 2 {
		r, err2 := w.request(ctx, http.MethodPost, f.action, f.values)
		if err2 != nil {
			return err2
		}
		var to string
		if to, err = w.load(r); to != "" {
			w.ledger.count("answers of the provider taken")
		}
		if err == nil || w.rand.IntN(2) == 0 {
			break
		}
		w.think(ctx, w.world.pace)
	}
	return err
}

// tellProvider sends a form of the provider's.
func (w *walk) tellProvider(ctx context.Context, action string, typed map[string]string) error {
	f, err := w.fill(action, typed)
	if err != nil {
		return err
	}
	r, err := w.request(ctx, http.MethodPost, f.action, f.values)
	if err != nil {
		return err
	}
	_, err = w.load(r)
	return err
}

// confirmIdentity: the person shown is the right one, or is said not to be.
func (w *walk) confirmIdentity(ctx context.Context) error {
	if take(&w.whims.disowns) {
		return w.submit(ctx, "/identita/altra", nil)
	}
	if take(&w.whims.edits) {
		return w.changeContacts(ctx, "/identita/contatti", "")
	}
	return w.submit(ctx, "/identita", nil)
}

// retry goes on after a rejection, with another identity or from the data on;
// but not against the operator.
func (w *walk) retry(ctx context.Context) error {
	w.ledger.count("rejections")
	switch {
	case w.mailbox.unknown:
		return w.ends("refused")
	case w.shows("/riprova/identita") && w.rand.IntN(2) == 0:
		return w.submit(ctx, "/riprova/identita", nil)
	}
	return w.submit(ctx, "/riprova", nil)
}
