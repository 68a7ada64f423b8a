// Package client is the Go client of Stella's API, for the programs of a PEC
// provider, and holds the types of the API's bodies. Whoever writes a webmail
// needs two calls, [Client.Status] and [Client.HandOff].
//
//   - client.go: how a call is made and repeated
//   - problem.go: how it fails
//   - list.go: lists, page by page
//   - mailbox.go: what a webmail may know of a mailbox
//   - record.go: what the provider says of a mailbox
//   - handoff.go: how a webmail's user comes to Stella
//   - qualification.go, timeline.go, invitation.go: what operators and auditors
//     see and do
//   - event.go, webhook.go: what happened, asked for or told
//
// The operations, with all that they may answer, are described by the OpenAPI
// document that Stella serves at /api/v1/openapi.json. The package imports the
// standard library only.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Client calls the API. It may be used by several goroutines at once.
type Client struct {
	URL   string       // of Stella, such as https://identita.gestore.example
	Token string       // that `stella client add` printed
	HTTP  *http.Client // nil for http.DefaultClient, which waits for ever: use a context with a deadline
}

// Option is a condition or a property of one call.
type Option func(http.Header)

// IfMatch lets a write be done only while the record is the one that the ETag
// came with: of a [Mailbox] or of what a former write returned. Otherwise the
// call fails with status 412.
func IfMatch(etag string) Option {
	return func(h http.Header) { h.Set("If-Match", etag) }
}

// IfNew lets [Client.PutRecord] only make a mailbox. Where it is there already,
// the call fails with status 412.
func IfNew(h http.Header) { h.Set("If-None-Match", "*") }

// Key names a write, so that it is done once however often it is called with
// this key within a day: for programs that repeat what they do not know to be
// done. Without it each call has a key of its own, by which net/http repeats it
// where a connection broke.
func Key(key string) Option {
	return func(h http.Header) { h.Set("Idempotency-Key", key) }
}

// request is one call of the API.
type request struct {
	method string
	path   string // below /api/v1, escaped
	query  url.Values
	body   any // nil for none
	header http.Header
}

func newRequest(method, path string, body any, options ...Option) request {
	r := request{method: method, path: path, body: body, header: http.Header{}}
	if method != http.MethodGet {
		r.header.Set("Idempotency-Key", rand.Text())
	}
	for _, set := range options {
		set(r.header)
	}
	return r
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 16 << 20

// do makes a call and decodes its answer, unless answer is nil. An answer that
// is neither good nor 304 Not Modified is a [Problem].
func (c *Client) do(ctx context.Context, r request, answer any) (*http.Response, error) {
	var body io.Reader
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("writing the request: %w", err)
		}
		body = bytes.NewReader(text)
		if r.header.Get("Content-Type") == "" {
			r.header.Set("Content-Type", "application/json")
		}
	}
	address := strings.TrimSuffix(c.URL, "/") + "/api/v1" + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	asked, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, err
	}
	asked.Header = r.header
	asked.Header.Set("Authorization", "Bearer "+c.Token)
	asked.Header.Set("Accept", "application/json")
	caller := c.HTTP
	if caller == nil {
		caller = http.DefaultClient
	}
	res, err := caller.Do(asked)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if res.StatusCode/100 != 2 && res.StatusCode != http.StatusNotModified {
		return nil, problemOf(res, text)
	}
	if answer != nil && res.StatusCode/100 == 2 {
		if err := json.Unmarshal(text, answer); err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
	}
	return res, nil
}

// ask makes a call that is answered with a T.
func ask[T any](ctx context.Context, c *Client, r request) (*T, error) {
	answer := new(T)
	if _, err := c.do(ctx, r, answer); err != nil {
		return nil, err
	}
	return answer, nil
}
