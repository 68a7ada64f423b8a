package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"stella/mail/mailtest"
)

// An inbox reads the mails of the relay.
type inbox struct {
	url    string
	client *http.Client
}

func (i inbox) read(ctx context.Context, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, i.url+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := i.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the relay answers: %s", text)
	}
	return text, err
}

// code waits for the code that is sent to an address.
func (i inbox) code(ctx context.Context, to string) (string, error) {
	text, err := i.read(ctx, "/code?to="+url.QueryEscape(to))
	return string(text), err
}

func (i inbox) count(ctx context.Context) (n int, err error) {
	text, err := i.read(ctx, "/count")
	if err != nil {
		return 0, err
	}
	return n, json.Unmarshal(text, &n)
}

// mails returns the mails since the last call. The first call returns none.
func (i inbox) mails(ctx context.Context) (all []mailtest.Mail, err error) {
	text, err := i.read(ctx, "/mails")
	if err != nil {
		return nil, err
	}
	return all, json.Unmarshal(text, &all)
}

// quiet is how long no mail arrives when all have arrived.
const quiet = 500 * time.Millisecond

// drain waits until no mail arrives any more.
func (i inbox) drain(ctx context.Context) error {
	before, err := i.count(ctx)
	for since := time.Now(); err == nil && time.Since(since) < quiet; {
		if err = pause(ctx, quiet/10); err != nil {
			break
		}
		var now int
		if now, err = i.count(ctx); now != before {
			before, since = now, time.Now()
		}
	}
	return err
}

// pause waits, or returns the error of ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
