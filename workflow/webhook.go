package workflow

import (
	"bytes"
	"context"
	"encoding/base64"
	"time"
)

// QueueWebhooks is the queue of deliveries: no mail waits behind them.
const QueueWebhooks = "webhooks"

// Webhook is where a client wants to be told of its mailboxes. Its secret is
// computed from the server's key and the nonce, so that no row can sign.
type Webhook struct {
	ID          int64
	Client      string // its name
	URL         string
	Kinds       []AnnouncementKind // none for all
	Nonce       []byte
	FormerNonce []byte // nil where there is none
	FormerUntil time.Time
	CreatedAt   time.Time

	DisabledAt time.Time // zero while it is not
	Disabled   DisabledWhy

	FailingSince time.Time // the first failure after which nothing was delivered; zero while all is well
	Failures     int       // since then
}

// DisabledWhy says why nothing is sent to a webhook any more.
type DisabledWhy string

// Why nothing is sent.
const (
	DisabledByOperator DisabledWhy = "operator"
	DisabledGone       DisabledWhy = "gone"    // it answered 410
	DisabledFailing    DisabledWhy = "failing" // nothing was delivered for days
)

// webhookSecret computes a webhook's secret.
func webhookSecret(key, nonce []byte) []byte { return keyed(key, "webhook", nonce) }

// Secrets are what signs at a time, the newest first. There is none if the keys
// that made them are no longer there.
func (w Webhook) Secrets(keys Keys, now time.Time) (all [][]byte) {
	nonces := [][]byte{w.Nonce}
	if w.FormerNonce != nil && now.Before(w.FormerUntil) {
		nonces = append(nonces, w.FormerNonce)
	}
	for _, nonce := range nonces {
		if key := keys.of(nonce); key != nil {
			all = append(all, webhookSecret(key, nonce))
		}
	}
	return all
}

// Outdated reports whether a webhook's secret was made under another key than the
// first: it is to be rotated before that key goes.
func (w Webhook) Outdated(keys Keys) bool { return !bytes.Equal(keys.of(w.Nonce), keys.first()) }

// writtenSecret writes a secret as Standard Webhooks, "Signature scheme", has it.
func writtenSecret(secret []byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(secret)
}

// Delivery is an announcement on its way to a webhook.
type Delivery struct {
	ID      int64
	Webhook int64
	Told
	AskedAt  time.Time // by the step, or by an operator since
	DueAt    time.Time // the next attempt
	Attempts int
	EndedAt  time.Time // zero while it is open
	Ended    string    // "waiting", "delivered" or "given up"
	Outcome  string    // of the last attempt
}

// Deliver is the job that sees to a webhook's deliveries. It names none: what
// is due is told by the deliveries alone, and a job too many finds nothing.
type Deliver struct {
	Webhook int64 `json:"webhook"`
}

// Kind names the job in the queue.
func (Deliver) Kind() string { return "deliver" }

// WakeWebhooks is the periodic job that adds a Deliver for each webhook with
// something due: another attempt, or one that was lost in a crash.
type WakeWebhooks struct{}

// Kind names the job in the queue.
func (WakeWebhooks) Kind() string { return "wake_webhooks" }

// Webhooks is the part of Store that knows them.
type Webhooks interface {
	// AddWebhook returns ErrUnknown for a client that there is not.
	AddWebhook(ctx context.Context, w Webhook) (int64, error)
	// RotateWebhook gives a webhook another nonce; the former is good until a time.
	RotateWebhook(ctx context.Context, id int64, nonce []byte, until time.Time) error
}

// AddWebhook has a client told of its mailboxes, and returns the secret that
// signs, which is not shown again.
func (p *Procedure) AddWebhook(ctx context.Context, client, url string, kinds []AnnouncementKind) (id int64, secret string, err error) {
	if err := checkKinds(kinds); err != nil {
		return 0, "", err
	}
	w := Webhook{Client: client, URL: url, Kinds: kinds, Nonce: p.Keys.newNonce(), CreatedAt: p.Now()}
	id, err = p.Store.AddWebhook(ctx, w)
	return id, writtenSecret(webhookSecret(p.Keys.first(), w.Nonce)), err
}

// RotateWebhook gives a webhook another secret, and returns it. The former one
// signs too until the time given.
func (p *Procedure) RotateWebhook(ctx context.Context, id int64, until time.Time) (secret string, err error) {
	nonce := p.Keys.newNonce()
	return writtenSecret(webhookSecret(p.Keys.first(), nonce)), p.Store.RotateWebhook(ctx, id, nonce, until)
}
