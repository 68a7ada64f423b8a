package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"stella/web/webtest"
)

// A webmail is a client of the API: it hands its users over to Stella and reads
// which mailboxes have a star.
type webmail struct {
	site     string // Stella's
	token    string
	recorder *recorder
	client   http.Client
}

const returnURL = "https://webmail.example/"

// handOff creates a hand-off and returns its start URL.
func (m *webmail) handOff(ctx context.Context, address string) (string, error) {
	var answer struct {
		StartURL string `json:"start_url"`
	}
	err := m.call(ctx, http.MethodPost, "/api/v1/handoffs",
		map[string]string{"mailbox": address, "return_url": returnURL, "locale": "it", "user": "utente"}, http.StatusCreated, &answer)
	if err == nil {
		_, secret, _ := strings.Cut(answer.StartURL, "/start/")
		m.recorder.addSecret(secret, "the secret of a hand-off")
	}
	return answer.StartURL, err
}

// show returns what to show for a mailbox: "banner", "star" or "none".
func (m *webmail) show(ctx context.Context, address string) (string, error) {
	var answer struct {
		Show string `json:"show"`
	}
	err := m.call(ctx, http.MethodGet, "/api/v1/mailboxes/"+url.PathEscape(address), nil, http.StatusOK, &answer)
	return answer.Show, err
}

func (m *webmail) call(ctx context.Context, method, path string, body any, want int, into any) error {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, m.site+path, content)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+m.token)
	r.Header.Set("Content-Type", "application/json")
	m.recorder.count("API calls")
	began := time.Now()
	answer, err := m.client.Do(r)
	m.recorder.recordWait(time.Since(began))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != want {
		if answer.StatusCode == http.StatusServiceUnavailable && !nothingLost.Match(text) {
			m.recorder.violation("the API does not say that nothing is lost: %.300q", text)
		}
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		retryAfter := time.Duration(seconds) * time.Second
		m.recorder.recordRetryAfter(path, answer.StatusCode, retryAfter)
		return &refusal{answer.StatusCode, retryAfter}
	}
	return json.Unmarshal(text, into)
}

// A refusal is an answer of the API with an unexpected status.
type refusal struct {
	status     int
	retryAfter time.Duration
}

func (r *refusal) Error() string { return fmt.Sprintf("the API answers with status %d", r.status) }

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
	var r *refusal
	if errors.As(err, &r) {
		w.retryAfter = r.retryAfter
		if r.status == http.StatusTooManyRequests {
			return w.retryLater(ctx, again)
		}
	}
	return w.fail("the webmail got no answer")
}
