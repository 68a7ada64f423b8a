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

// Deliverer sends events to webhooks.
type Deliverer struct {
	Keys     workflow.Keys  // compute the webhooks' secrets
	Allow    []netip.Prefix // networks that may be private, and that may be sent to over http
	Roots    *x509.CertPool // trusted authorities; nil for the system's
	Resolver *net.Resolver  // nil for the system's
}

// errKeyGone is returned if the secret of a webhook cannot be computed.
var errKeyGone = errors.New("the key that made its secret is no longer configured: rotate it")

// Limits within SendTimeout, which limits the whole attempt.
const (
	connectTimeout   = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	maxHeader        = 16 << 10
)

// Send makes one attempt to send an event to a webhook. The signature has the time
// now. ctx limits the attempt.
func (c *Deliverer) Send(ctx context.Context, w workflow.Webhook, e client.Event, now time.Time) Result {
	to, err := parseURL(w.URL, c.Allow)
	if err != nil {
		return Result{Err: err}
	}
	body, err := json.Marshal(e)
	if err != nil {
		return Result{Err: err}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return Result{Err: err}
	}
	secrets := w.Secrets(c.Keys, now)
	if len(secrets) == 0 {
		return Result{Err: errKeyGone}
	}
	signature, err := sign(secrets, e.ID, now, body)
	if err != nil {
		return Result{Err: err}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Stella")
	r.Header.Set(standardwebhooks.HeaderWebhookID, e.ID)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	res, err := c.transport(to).RoundTrip(r)
	if err != nil {
		return Result{Err: err}
	}
	res.Body.Close() // the status is enough
	return Result{Status: res.StatusCode, RetryAfter: retryAfterOf(res.Header, now)}
}

// sign returns the signatures with each of the secrets, separated by spaces: there
// are two during a rotation (Standard Webhooks, "Webhook headers").
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

// transport returns a transport for one request. It checks the address of each
// connection before it connects, does not keep connections, uses no proxy and
// follows no redirects.
func (c *Deliverer) transport(to *url.URL) *http.Transport {
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
