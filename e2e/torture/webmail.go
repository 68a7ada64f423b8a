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
	"strings"
	"time"
)

// A webmail speaks to the API: it hands its users over and asks for the star.
type webmail struct {
	site   string // Stella's
	token  string
	ledger *ledger
	client http.Client
}

const returnURL = "https://webmail.example/"

// handOff asks for the address that takes a user to Stella.
func (m *webmail) handOff(ctx context.Context, address string) (string, error) {
	var answer struct {
		StartURL string `json:"start_url"`
	}
	err := m.call(ctx, http.MethodPost, "/api/v1/handoffs",
		map[string]string{"mailbox": address, "return_url": returnURL, "locale": "it", "user": "utente"}, http.StatusCreated, &answer)
	if err == nil {
		_, secret, _ := strings.Cut(answer.StartURL, "/start/")
		m.ledger.secret(secret, "the secret of a hand-off")
	}
	return answer.StartURL, err
}

// show asks what to show beside a mailbox: banner, star or none.
func (m *webmail) show(ctx context.Context, address string) (string, error) {
	var answer struct {
		Show string `json:"show"`
	}
	err := m.call(ctx, http.MethodGet, "/api/v1/mailboxes/"+url.PathEscape(address), nil, http.StatusOK, &answer)
	return answer.Show, err
}

func (m *webmail) call(ctx context.Context, method, path string, body any, want int, into any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
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
	m.ledger.count("API calls")
	began := time.Now()
	answer, err := m.client.Do(r)
	m.ledger.waited(time.Since(began))
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
			m.ledger.lie("the API does not say that nothing is lost: %.300q", text)
		}
		return &refusal{answer.StatusCode, m.ledger.retryAfter(answer)}
	}
	return json.Unmarshal(text, into)
}

// A refusal is an answer of the API with another status than was hoped for.
type refusal struct {
	status     int
	retryAfter time.Duration
}

func (r *refusal) Error() string { return fmt.Sprintf("the API answers with status %d", r.status) }

// comeIn hands a walk over, as a click on the webmail's button does.
func (w *walk) comeIn(ctx context.Context) error {
	start, err := w.world.webmail.handOff(ctx, w.mailbox.address)
	if err != nil {
		return w.noAnswer(ctx, err, w.comeIn)
	}
	w.page = page{}
	r, err := w.request(ctx, http.MethodPost, start, url.Values{})
	if err != nil {
		return err
	}
	r.Header.Set("Origin", strings.TrimSuffix(returnURL, "/"))
	_, err = w.load(r)
	return err
}

// noAnswer is the trouble of a webmail that could not ask, or was told to do it
// again later.
func (w *walk) noAnswer(ctx context.Context, err error, again func(context.Context) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w.retryAfter = 0
	var r *refusal
	if errors.As(err, &r) {
		w.retryAfter = r.retryAfter
		if r.status == http.StatusTooManyRequests {
			return w.comeLater(ctx, again)
		}
	}
	return w.trouble("the webmail got no answer")
}
