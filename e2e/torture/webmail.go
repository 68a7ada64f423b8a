package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"stella/client"
	"stella/web/webtest"
)

// A webmail is a client of the API: it hands its users over to Stella and reads
// which mailboxes have a star.
type webmail struct {
	client.Client
	recorder *recorder
}

const returnURL = "https://webmail.example/"

func newWebmail(site, token string, l *recorder) *webmail {
	return &webmail{
		Client:   client.Client{URL: site, Token: token, HTTP: &http.Client{Timeout: pageTimeout, Transport: newObserver(l, "API calls")}},
		recorder: l,
	}
}

// handOff creates a hand-off and returns its start URL.
func (m *webmail) handOff(ctx context.Context, address string) (string, error) {
	start, err := m.HandOff(ctx, client.HandOff{Mailbox: address, ReturnURL: returnURL, Locale: "it", User: "utente"})
	if err != nil {
		return "", m.checked(err)
	}
	_, secret, _ := strings.Cut(start.StartURL, "/start/")
	m.recorder.addSecret(secret, "the secret of a hand-off")
	return start.StartURL, nil
}

// show returns what to show for a mailbox.
func (m *webmail) show(ctx context.Context, address string) (client.Show, error) {
	status, err := m.Status(ctx, address, nil)
	if err != nil {
		return "", m.checked(err)
	}
	return status.Show, nil
}

// checked checks the answer to a call that failed, and returns its error.
func (m *webmail) checked(err error) error {
	var p *client.Problem
	if errors.As(err, &p) {
		if p.Status == http.StatusServiceUnavailable && !nothingLost.MatchString(p.Detail) {
			m.recorder.violation("the API does not say that nothing is lost: %.300q", p)
		}
		m.recorder.recordRetryAfter("the API", p.Status, p.RetryAfter)
	}
	return err
}

// enterFromWebmail enters Stella as a click on the webmail's button does.
func (w *scenario) enterFromWebmail(ctx context.Context) error {
	start, err := w.world.webmail.handOff(ctx, w.mailbox.address)
	if err != nil {
		return w.noAnswer(ctx, err, w.enterFromWebmail)
	}
	w.leave()
	r, err := w.Request(ctx, http.MethodPost, start, url.Values{})
	if err != nil {
		return err
	}
	webtest.SendFrom(r, strings.TrimSuffix(returnURL, "/"))
	_, err = w.follow(r)
	return err
}

// noAnswer handles a failed API call of the webmail. After status 429 it waits and
// calls again.
func (w *scenario) noAnswer(ctx context.Context, err error, again func(context.Context) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w.retryAfter = 0
	var p *client.Problem
	if errors.As(err, &p) {
		w.retryAfter = p.RetryAfter
		if p.Status == http.StatusTooManyRequests {
			return w.retryLater(ctx, again)
		}
	}
	return w.fail("the webmail got no answer")
}
