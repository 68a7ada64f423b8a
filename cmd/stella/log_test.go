package main

import (
	"regexp"
	"strings"
	"testing"

	"stella/cmd/stella/programtest"
	"stella/spid/spidtest"
	"stella/store/storetest"
)

// sensitive matches data that must not be in a log: codes, secrets of links and
// sessions, fiscal codes and VAT numbers, addresses, SAML messages.
var sensitive = regexp.MustCompile(`\b[0-9]{6}\b` +
	`|\b[A-Z2-7]{26}` + // from rand.Text
	`|\b[0-9A-Za-z_-]{43}\b` + // a digest, as in links
	`|(?i)\b[A-Z]{6}[0-9]{2}[A-Z][0-9]{2}[A-Z][0-9]{3}[A-Z]\b|\b[0-9]{11}\b` +
	`|[\w.]+@[\w.]*\.example` +
	`|SAMLResponse|<saml`)

// harmless matches the durations and times in a log, whose digits are not codes.
var harmless = regexp.MustCompile(`"(duration|away)":[0-9]+|[0-9]{2}\.[0-9]+(Z|ms|s)\b`)

// leak returns a sensitive text in a log, or "".
func leak(log string) string {
	log = harmless.ReplaceAllString(log, "")
	if found := sensitive.FindString(log); found != "" {
		return found
	}
	secrets := []string{storetest.Token, programtest.SecretKey, "a password"}
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

// Every test that starts a service checks its log with leak (see startCommand). This
// test shows that leak finds something.
func TestLeak(t *testing.T) {
	t.Parallel()
	const line = `{"time":"2026-11-22T03:16:44.736123Z","level":"INFO","msg":"served",` +
		`"request":"XYL3AKODV5KZW5GS","route":"GET /start/{token}","status":410,"duration":279825}`
	if found := leak(line); found != "" {
		t.Errorf("%q is reported as sensitive", found)
	}
	for _, secret := range []string{"code 123456", "/start/ABCDEFGHIJKLMNOPQRSTUVWXYZ",
		"/invito/47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", "TINIT-NRENNA80A41H501T",
		"09876543217", "to=anna.neri@pec.example", "Anna Neri", "SAMLResponse=", storetest.Token} {
		if leak(line+" "+secret) == "" {
			t.Errorf("%q is not found", secret)
		}
	}
}
