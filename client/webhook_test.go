package client_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stella/client"
)

const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// signed returns the signature of a webhook's request (Standard Webhooks, "Signature
// scheme").
func signed(secret, id string, at time.Time, body string) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// headers returns the headers of a webhook's request with the ID e1.
func headers(timestamp, signature string) http.Header {
	return http.Header{"Webhook-Id": {"e1"}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature}}
}

func TestReadWebhook(t *testing.T) {
	t.Parallel()
	const body = `{"id":"e1","type":"qualification.completed","timestamp":"2026-11-20T10:07:42Z",` +
		`"data":{"mailbox":"anna.neri@pec.example","case":42,"state":"qualified","show":"star"},"more":"later"}`
	other := "whsec_" + base64.StdEncoding.EncodeToString([]byte("another"))
	now := time.Now()
	good := signed(secret, "e1", now, body)
	long := strings.Repeat(" ", 64<<10) + body
	for name, test := range map[string]struct {
		at              time.Time
		body, signature string
		reads           bool
	}{
		"signed":                        {now, body, good, true},
		"four minutes late":             {now.Add(-4 * time.Minute), body, signed(secret, "e1", now.Add(-4*time.Minute), body), true},
		"from a clock that is ahead":    {now.Add(4 * time.Minute), body, signed(secret, "e1", now.Add(4*time.Minute), body), true},
		"with two secrets, ours first":  {now, body, good + " " + signed(other, "e1", now, body), true},
		"with two secrets, ours second": {now, body, signed(other, "e1", now, body) + " " + good, true},
		"with an unknown version":       {now, body, "v2,AAAA " + good, true},
		"with another secret":           {now, body, signed(other, "e1", now, body), false},
		"for another event":             {now, body, signed(secret, "e2", now, body), false},
		"for another time":              {now, body, signed(secret, "e1", now.Add(time.Second), body), false},
		"six minutes late":              {now.Add(-6 * time.Minute), body, signed(secret, "e1", now.Add(-6*time.Minute), body), false},
		"six minutes early":             {now.Add(6 * time.Minute), body, signed(secret, "e1", now.Add(6*time.Minute), body), false},
		"changed":                       {now, strings.Replace(body, "star", "none", 1), good, false},
		"too long":                      {now, long, signed(secret, "e1", now, long), false},
		"unsigned":                      {now, body, "", false},
	} {
		r := httptest.NewRequest("POST", "/hooks", strings.NewReader(test.body))
		r.Header = headers(fmt.Sprint(test.at.Unix()), test.signature)
		e, err := client.ReadWebhook(r, secret)
		switch {
		case test.reads && (err != nil || e.ID != "e1" || e.Type != client.EventCompleted || e.Data.Show != client.ShowStar):
			t.Errorf("%s: %+v, %v", name, e, err)
		case !test.reads && (e != nil || !errors.Is(err, client.ErrSignature)):
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}

	for _, at := range []string{"", "now", "99999999999999999999"} {
		r := httptest.NewRequest("POST", "/hooks", strings.NewReader(body))
		r.Header = headers(at, good)
		if _, err := client.ReadWebhook(r, secret); !errors.Is(err, client.ErrSignature) {
			t.Errorf("at %q: %v", at, err)
		}
	}
	for _, invalid := range []string{"whsec_no base64", "whsec_", ""} {
		r := httptest.NewRequest("POST", "/hooks", strings.NewReader(body))
		r.Header = headers(fmt.Sprint(now.Unix()), signed(invalid, "e1", now, body))
		if _, err := client.ReadWebhook(r, invalid); err == nil || errors.Is(err, client.ErrSignature) {
			t.Errorf("with the secret %q: %v", invalid, err)
		}
	}
}
