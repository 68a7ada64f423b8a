package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"stella/client"
	"stella/web/webtest"
)

// A visit is a holder with a browser on the way to the star.
type visit struct {
	*webtest.Browser
	holder webtest.Holder
}

// enter hands a mailbox's holder over as the webmail does, and opens the first page.
func (l *load) enter(ctx context.Context, m mailbox) (*visit, error) {
	api := client.Client{URL: l.subject.world.site, Token: l.token(int(m)), HTTP: &http.Client{Transport: l.watch}}
	hand, err := api.HandOff(ctx, client.HandOff{Mailbox: m.address(), ReturnURL: returnURL, Locale: "it"})
	if err != nil {
		return nil, fmt.Errorf("handing over %s: %w", m.address(), err)
	}
	v := &visit{Browser: webtest.New(l.subject.world.site, l.watch)}
	v.Address = m.networkAddress()
	v.holder = webtest.Holder{Person: people()[m.holder()].Label(), Email: m.email(), Code: func(ctx context.Context) (string, error) {
		begun := time.Now()
		code, err := l.subject.world.inbox.code(ctx, m.email())
		l.watch.record("wait for the mail with the code", time.Since(begun))
		return code, err
	}}
	return v, v.Enter(ctx, hand.StartURL, webmail)
}

// maxSteps is more than the way to the star has.
const maxSteps = 40

// walk goes on until the page is reached.
func (v *visit) walk(ctx context.Context, reached func(webtest.Page) bool) error {
	for range maxSteps {
		if reached(v.Page) {
			return nil
		}
		if err := v.Advance(ctx, v.holder); err != nil {
			return err
		}
	}
	return fmt.Errorf("the page %q leads to itself: %s", v.Heading(), v.Content())
}

func atStar(p webtest.Page) bool { return p.Heading() == webtest.SuccessHeading }

func atContract(p webtest.Page) bool { return p.At(webtest.ContractButton) }
