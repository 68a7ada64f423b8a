package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrSignature is returned if a request is not signed with the secret, or if its
// timestamp differs from the clock by more than five minutes.
var ErrSignature = errors.New("the webhook's signature does not hold")

// Limits of a request: the size of its body, and how much its timestamp may differ
// from the clock, because clocks differ and networks are slow (Standard Webhooks,
// "Verifying signatures").
const (
	maxEvent      = 64 << 10 // bytes
	maxDifference = 5 * time.Minute
)

// ReadWebhook verifies the signature of a webhook's request and returns its event.
// secret is the one that `stella webhook add` printed. Store the event and then
// answer 2xx, within seconds. An event may arrive again with the same ID: answer it
// in the same way.
func ReadWebhook(r *http.Request, secret string) (*Event, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 { // with an empty key anyone could sign
		return nil, errors.New("the secret is not one that `stella webhook add` printed")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEvent))
	if err != nil {
		return nil, fmt.Errorf("reading a webhook: %w", err)
	}
	seconds, err := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > maxDifference {
		return nil, ErrSignature
	}
	id := r.Header.Get("webhook-id")
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, seconds, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for signature := range strings.FieldsSeq(r.Header.Get("webhook-signature")) { // there are two during a rotation
		if hmac.Equal([]byte(signature), []byte(want)) {
			e := &Event{}
			if err := json.Unmarshal(body, e); err != nil {
				return nil, fmt.Errorf("reading a webhook: %w", err)
			}
			return e, nil
		}
	}
	return nil, ErrSignature
}
