package main

import (
	"regexp"
	"strings"
	"testing"

	"stella/spid/spidtest"
	"stella/store/storetest"
)

// private matches what may stand in no log: codes, secrets of links and
// sessions, fiscal codes and VAT numbers, addresses, SAML.
var private = regexp.MustCompile(`\b[0-9]{6}\b` +
	`|\b[A-Z2-7]{26}` + // rand.Text
	`|\b[0-9A-Za-z_-]{43}\b` + // a digest, as links have it
	`|(?i)\b[A-Z]{6}[0-9]{2}[A-Z][0-9]{2}[A-Z][0-9]{3}[A-Z]\b|\b[0-9]{11}\b` +
	`|[\w.]+@[\w.]*\.example` +
	`|SAMLResponse|<saml`)

// figures are the numbers of a log that are none of these: durations and times.
var figures = regexp.MustCompile(`"(duration|away)":[0-9]+|[0-9]{2}\.[0-9]+(Z|ms|s)\b`)

// leak returns what a log tells that it may not.
func leak(log string) string {
	log = figures.ReplaceAllString(log, "")
	if found := private.FindString(log); found != "" {
		return found
	}
	secrets := []string{storetest.Token, secretKey, "a password"}
	for _, p := range spidtest.DemoPeople() {
		secrets = append(secrets, p.Name+" "+p.FamilyName)
	}
	for _, s := range secrets {
		if strings.Contains(log, s) {
			return s
		}
	}
	return ""
}

// The log of every process that a test starts is read (see serveProcess); here,
// that the reader would find something.
func TestALeakIsFound(t *testing.T) {
	t.Parallel()
	const line = `{"time":"2026-11-22T03:16:44.736123Z","level":"INFO","msg":"served","request":"XYL3AKODV5KZW5GS","route":"GET /start/{token}","status":410,"duration":279825}`
	if found := leak(line); found != "" {
		t.Errorf("%q is taken for a secret", found)
	}
	for _, secret := range []string{"code 123456", "/start/ABCDEFGHIJKLMNOPQRSTUVWXYZ", "/invito/47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", "TINIT-NRENNA80A41H501T",
		"09876543217", "to=anna.neri@pec.example", "Anna Neri", "SAMLResponse=", storetest.Token} {
		if leak(line+" "+secret) == "" {
			t.Errorf("%q is not found", secret)
		}
	}
}
