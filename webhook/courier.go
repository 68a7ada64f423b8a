package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stella/client"
	"stella/workflow"
)

// Courier brings events to webhooks.
type Courier struct {
	Keys     workflow.Keys  // from which secrets are computed
	Allow    []netip.Prefix // that may be sent to although they are not public, and in clear
	Roots    *x509.CertPool // nil for the system's
	Resolver *net.Resolver  // nil for the system's
}

// errKeyGone is why nothing is sent to a webhook whose secret cannot be computed.
var errKeyGone = errors.New("the key that made its secret is no longer configured: rotate it")

// Within SendTimeout, which bounds the whole.
const (
	connectTimeout   = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	maxHeader        = 16 << 10
)

// Send brings an event to a webhook, once, signed for now.
func (c *Courier) Send(ctx context.Context, w workflow.Webhook, e client.Event, now time.Time) Answer {
	to, err := parseURL(w.URL, c.Allow)
	if err != nil {
		return Answer{Err: err}
	}
	body, err := json.Marshal(e)
	if err != nil {
		return Answer{Err: err}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return Answer{Err: err}
	}
	secrets := w.Secrets(c.Keys, now)
	if len(secrets) == 0 {
		return Answer{Err: errKeyGone}
	}
	signature, err := sign(secrets, e.ID, now, body)
	if err != nil {
		return Answer{Err: err}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Stella")
	r.Header.Set(standardwebhooks.HeaderWebhookID, e.ID)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	res, err := c.transport(to).RoundTrip(r)
	if err != nil {
		return Answer{Err: err}
	}
	res.Body.Close() // unread: its status is the answer
	return Answer{Status: res.StatusCode, RetryAfter: retryAfterOf(res.Header, now)}
}

// sign signs with each of the secrets: Standard Webhooks, "Webhook headers".
func sign(secrets [][]byte, id string, at time.Time, body []byte) (string, error) {
	all := make([]string, len(secrets))
	for i, secret := range secrets {
		w, err := standardwebhooks.NewWebhookRaw(secret)
		if err != nil {
			return "", err
		}
		if all[i], err = w.Sign(id, at, body); err != nil {
			return "", err
		}
	}
	return strings.Join(all, " "), nil
}

// transport is for one request: its connection goes to an address that was
// looked at for it, and is not kept. No proxy is asked, and no redirect
// followed.
func (c *Courier) transport(to *url.URL) *http.Transport {
	dialer := &net.Dialer{Timeout: connectTimeout, Resolver: c.Resolver, ControlContext: guard(c.Allow, to.Scheme == "http")}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    handshakeTimeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableKeepAlives:      true,
		DisableCompression:     true,
	}
}
