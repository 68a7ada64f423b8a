// Package client is the Go client of Stella's API, for the programs of a PEC
// provider. It also defines the types of the API's request and response bodies. A
// webmail needs only two calls: [Client.Status] and [Client.HandOff].
//
//   - client.go: [Client], and the options of a call
//   - problem.go: the error of a call that failed
//   - list.go: lists with pages
//   - mailbox.go: the status of a mailbox
//   - record.go: the provider's record of a mailbox and its holder
//   - handoff.go: the hand-off of a webmail's user to Stella
//   - qualification.go, timeline.go, invitation.go: cases and invitations, for
//     operators and auditors
//   - event.go, webhook.go: events, from the feed and from webhooks
//
// The OpenAPI document at /api/v1/openapi.json describes the operations and all
// their responses. The package imports only the standard library.
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

// Client calls the API. Several goroutines may use it at once.
type Client struct {
	URL   string       // Stella's public URL, such as https://identita.gestore.example
	Token string       // the token that `stella client add` printed
	HTTP  *http.Client // nil means http.DefaultClient, which has no timeout: use a context with a deadline
}

// Option sets a condition or a property of one call.
type Option func(http.Header)

// IfMatch makes a write conditional: it is done only if the record, or the case,
// still has this ETag. The ETag comes from a [Mailbox], from a [Recorded] or from
// [Qualification.ETag]. If it was changed, the call fails with status 412.
func IfMatch(etag string) Option {
	return func(h http.Header) { h.Set("If-Match", etag) }
}

// IfNew makes [Client.PutRecord] create a mailbox only. If the mailbox exists, the
// call fails with status 412.
func IfNew(h http.Header) { h.Set("If-None-Match", "*") }

// Key sets the Idempotency-Key of a write: within a day, the write is done once,
// however often it is called with this key. Use it in programs that repeat a call
// if they do not know whether it was done. Without this option each call gets a
// random key, so that net/http can repeat it if a connection breaks.
func Key(key string) Option {
	return func(h http.Header) { h.Set("Idempotency-Key", key) }
}

// request is one call of the API.
type request struct {
	method string
	path   string // below /api/v1, escaped
	query  url.Values
	body   any // nil if there is none
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

// maxAnswer is how many bytes of a response are read.
const maxAnswer = 16 << 20

// do makes a call and decodes the response into answer, unless answer is nil. If
// the status is neither 2xx nor 304 Not Modified, it returns a [Problem].
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
	req, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header = r.header
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Accept", "application/json")
	httpClient := c.HTTP
	if httpClient == nil {
		httpClient = http.DefaultClient
	}
	res, err := httpClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if res.StatusCode/100 != 2 && res.StatusCode != http.StatusNotModified {
		return nil, parseProblem(res, text)
	}
	if answer != nil && res.StatusCode/100 == 2 {
		if err := json.Unmarshal(text, answer); err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
	}
	return res, nil
}

// call makes a call and returns its response, decoded into a T.
func call[T any](ctx context.Context, c *Client, r request) (*T, error) {
	answer := new(T)
	if _, err := c.do(ctx, r, answer); err != nil {
		return nil, err
	}
	return answer, nil
}
