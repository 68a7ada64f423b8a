package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What the page says of a code that it does not take.
const (
	saysWrong   = "Il codice non è corretto"
	saysExpired = "Il codice è scaduto"
	saysTooMany = "Hai chiesto troppi codici"
)

// enterCode does what the code's page and the mails call for.
func (w *walk) enterCode(ctx context.Context) error {
	status := w.attribute("#clock", "data-status")
	wait, _ := strconv.Atoi(w.attribute("#clock", "data-resend-in"))
	if status == "paused" {
		return w.ends("told to wait")
	}
	if m := w.newCode(); m != nil {
		return w.typeCode(ctx, m)
	}
	switch status {
	case "sending", "sent":
		w.expectMail(status)
		w.think(ctx, w.world.pace)
		return w.home(ctx)
	case "refused":
		return w.changeContacts(ctx, "/codice/contatti", w.mailbox.email)
	}
	again := time.Duration(wait) * time.Second
	if again > w.world.waits {
		return w.ends("told to wait")
	}
	pause(ctx, again)
	if err := w.submit(ctx, "/codice/invia", nil); err != nil {
		return err
	}
	if strings.HasPrefix(w.fault(), saysTooMany) {
		return w.ends("told to wait")
	}
	w.sentSince = time.Time{}
	return nil
}

// newCode returns the newest mail with a code that may still be good.
func (w *walk) newCode() *mail {
	m := w.world.inbox.newest(w.mailbox.email, func(m *mail) bool { return m.code != "" && m.asked().After(w.began) })
	if m == nil || w.done[m.code] {
		return nil
	}
	return m
}

// expectMail holds the page to its word: what it says was sent has arrived.
func (w *walk) expectMail(status string) {
	switch {
	case status != "sent":
		w.sentSince = time.Time{}
	case w.sentSince.IsZero():
		w.sentSince = time.Now()
	case time.Since(w.sentSince) > 15*time.Second && len(w.done) == 0:
		w.ledger.lie("%s: the page says for 15 seconds that a code was sent, and there is none", w.mailbox.address)
		w.sentSince = time.Now()
	}
}

// typeCode types a code that arrived; or before that a wrong one, or only when it
// is too late.
func (w *walk) typeCode(ctx context.Context, m *mail) error {
	code, late := m.code, false
	switch {
	case w.whims.guesser, take(&w.whims.wrongCodes):
		code = wrongCode(code)
	case take(&w.whims.lateCodes):
		late = true
		if err := w.letExpire(ctx); err != nil || w.page.kind != "code" {
			return err
		}
	}
	if !w.shows("/codice") { // paused
		return nil
	}
	if err := w.submit(ctx, "/codice", map[string]string{"codice": code}); err != nil {
		return err
	}
	fault := w.fault()
	switch {
	case code != m.code:
		if w.page.kind == "qualified" || w.page.kind == "under_review" {
			w.ledger.lie("%s: a wrong code led to the page %q", w.mailbox.address, w.heading())
		}
		if strings.HasPrefix(fault, saysWrong) {
			w.ledger.count("wrong codes")
			break
		}
		w.done[m.code] = true // there was none that could be right
	case late && w.page.kind != "code":
		w.ledger.lie("%s: a code was taken after its life: the page is %q", w.mailbox.address, w.heading())
	case late:
		w.ledger.count("late codes")
		w.done[code] = true
	case strings.HasPrefix(fault, saysWrong):
		w.ledger.lie("%s: the code of the mail %s is said to be wrong", w.mailbox.address, m.id)
		w.done[code] = true
	case fault != "":
		w.done[code] = true
		if strings.HasPrefix(fault, saysExpired) {
			w.ledger.count("codes that came too late")
		}
	}
	return nil
}

// letExpire waits until the page says that the code is over.
func (w *walk) letExpire(ctx context.Context) error {
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until) && ctx.Err() == nil; pause(ctx, time.Second) {
		if err := w.home(ctx); err != nil {
			return err
		}
		if w.page.kind != "code" || w.attribute("#clock", "data-status") == "expired" {
			return nil
		}
	}
	return nil
}

func wrongCode(code string) string {
	n, _ := strconv.Atoi(code)
	return fmt.Sprintf("%06d", (n+1)%1e6)
}

// celebrate looks for the star in the webmail.
func (w *walk) celebrate(ctx context.Context) error {
	show, err := w.world.webmail.show(ctx, w.mailbox.address)
	if err != nil {
		return w.noAnswer(ctx, err, w.celebrate)
	}
	if show != "star" {
		if w.mailbox.lostStar() {
			return w.ends("qualified")
		}
		w.ledger.lie("%s: the page says qualified, and the webmail shows %s", w.mailbox.address, show)
	}
	return w.ends("qualified")
}

// awaitOperator asks the operator to decide, once, and looks at the page again.
func (w *walk) awaitOperator(ctx context.Context) error {
	if !w.asked {
		w.asked = true
		w.world.operator.decide(w.mailbox, w.rand.IntN(4) > 0)
	}
	w.think(ctx, 4*w.world.pace)
	return w.home(ctx)
}
