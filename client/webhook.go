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

// ErrSignature is returned for a request that Stella did not sign with the
// secret, or too long ago.
var ErrSignature = errors.New("the webhook's signature does not hold")

// A webhook's body is small, and its signature good for as long as clocks
// differ and networks linger: Standard Webhooks, "Verifying signatures".
const (
	maxEvent      = 64 << 10
	signatureLife = 5 * time.Minute
)

// ReadWebhook reads the event of a webhook's request, where it is signed with
// the secret that `stella webhook add` printed. An event may come again, with
// the ID that it had: answer it like the first time. Answer 2xx when it is kept,
// and within seconds.
func ReadWebhook(r *http.Request, secret string) (*Event, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 { // with an empty one anybody could sign
		return nil, errors.New("the secret is not one that `stella webhook add` printed")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEvent))
	if err != nil {
		return nil, fmt.Errorf("reading a webhook: %w", err)
	}
	seconds, err := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > signatureLife {
		return nil, ErrSignature
	}
	id := r.Header.Get("webhook-id")
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, seconds, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for signature := range strings.FieldsSeq(r.Header.Get("webhook-signature")) { // two during a rotation
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
