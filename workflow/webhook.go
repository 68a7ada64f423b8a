package workflow

import (
	"bytes"
	"context"
	"encoding/base64"
	"time"
)

// QueueWebhooks is the queue of deliveries. It is separate so that mails do not wait
// for them.
const QueueWebhooks = "webhooks"

// Webhook is a URL to which a client's notifications are posted. The secret for its
// signatures is computed from the server's key and the nonce, so that a database row is
// not enough to sign.
type Webhook struct {
	ID          int64
	Client      string // its name
	URL         string
	Kinds       []AnnouncementKind // empty for all
	Nonce       []byte
	FormerNonce []byte // nil if there is none
	FormerUntil time.Time
	CreatedAt   time.Time

	DisabledAt time.Time // zero while enabled
	Disabled   DisabledWhy

	FailingSince time.Time // first failure since the last delivery; zero if there is none
	Failures     int       // since FailingSince
}

// DisabledWhy is why a webhook is disabled.
type DisabledWhy string

// The reasons for a disabled webhook.
const (
	DisabledByOperator DisabledWhy = "operator"
	DisabledGone       DisabledWhy = "gone"    // the URL answered 410
	DisabledFailing    DisabledWhy = "failing" // no delivery succeeded for days
)

// webhookSecret computes the secret of a webhook.
func webhookSecret(key, nonce []byte) []byte { return keyedHash(key, "webhook", nonce) }

// Secrets returns the secrets that sign at a time, the newest first. It leaves out
// those whose keys are no longer configured.
func (w Webhook) Secrets(keys Keys, now time.Time) (all [][]byte) {
	nonces := [][]byte{w.Nonce}
	if w.FormerNonce != nil && now.Before(w.FormerUntil) {
		nonces = append(nonces, w.FormerNonce)
	}
	for _, nonce := range nonces {
		if key := keys.KeyFor(nonce); key != nil {
			all = append(all, webhookSecret(key, nonce))
		}
	}
	return all
}

// Outdated reports whether the webhook's secret was not made with the first key. It
// must be rotated before its key is removed.
func (w Webhook) Outdated(keys Keys) bool { return !bytes.Equal(keys.KeyFor(w.Nonce), keys.first()) }

// encodeSecret encodes a secret as Standard Webhooks, section "Signature scheme",
// requires.
func encodeSecret(secret []byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(secret)
}

// Delivery is an announcement to be posted to a webhook.
type Delivery struct {
	ID      int64
	Webhook int64
	EventPayload
	AskedAt  time.Time // by the step, or later by an operator
	DueAt    time.Time // time of the next attempt
	Attempts int
	EndedAt  time.Time // zero while pending
	Ended    string    // "waiting", "delivered" or "given up"
	Outcome  string    // result of the last attempt
}

// Deliver is the job that posts the deliveries of a webhook. The job contains no
// delivery ID; it posts all that are due. A redundant job does nothing.
type Deliver struct {
	Webhook int64 `json:"webhook"`
}

// Kind returns the name of the job in the queue.
func (Deliver) Kind() string { return "deliver" }

// WakeWebhooks is the periodic job that adds a Deliver job for each webhook with a due
// delivery: a retry, or one whose job was lost in a crash.
type WakeWebhooks struct{}

// Kind returns the name of the job in the queue.
func (WakeWebhooks) Kind() string { return "wake_webhooks" }

// Webhooks is the part of Store for webhooks.
type Webhooks interface {
	// AddWebhook returns ErrUnknown if there is no such client.
	AddWebhook(ctx context.Context, w Webhook) (int64, error)
	// RotateWebhook sets a new nonce. The previous one is valid until the given time.
	RotateWebhook(ctx context.Context, id int64, nonce []byte, until time.Time) error
}

// AddWebhook adds a webhook for a client and returns its signing secret, which is not
// shown again.
func (p *Provider) AddWebhook(ctx context.Context, client, url string, kinds []AnnouncementKind) (id int64, secret string, err error) {
	if err := checkKinds(kinds); err != nil {
		return 0, "", err
	}
	w := Webhook{Client: client, URL: url, Kinds: kinds, Nonce: p.Keys.NewNonce(), CreatedAt: p.Now()}
	id, err = p.Store.AddWebhook(ctx, w)
	return id, encodeSecret(webhookSecret(p.Keys.first(), w.Nonce)), err
}

// RotateWebhook sets a new secret and returns it. The previous one also signs until the
// given time.
func (p *Provider) RotateWebhook(ctx context.Context, id int64, until time.Time) (secret string, err error) {
	nonce := p.Keys.NewNonce()
	return encodeSecret(webhookSecret(p.Keys.first(), nonce)), p.Store.RotateWebhook(ctx, id, nonce, until)
}
