package spid_test

import (
	"crypto"
	"encoding/base64"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

// answerLogout returns the service's answer to a request received at that URL.
func answerLogout(location string, providers ...*spid.Provider) (string, *spid.Provider, error) {
	_, query, _ := strings.Cut(location, "?")
	return sp.AnswerLogout(query, spid.Providers(providers).Find)
}

func logout(t *testing.T, edits ...edit) string {
	t.Helper()
	location, err := idp.Logout(edits...)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

// A logout is answered with success for any person. The answer is sent to the
// provider's URL for answers and has a signed query (SPID technical rules,
// "Single Logout"). The provider checks the content of the answer.
func TestLogout(t *testing.T) {
	t.Parallel()
	location := logout(t)
	if !strings.HasPrefix(location, sp.LogoutURL+"?") {
		t.Fatalf("the logout request is sent to %s", location)
	}
	answer, p, err := answerLogout(location, provider)
	if err != nil {
		t.Fatal(err)
	}
	if p != provider {
		t.Errorf("the provider is %v", p)
	}
	if err := checkQuery(answer); err != nil {
		t.Error(err)
	}
	if err := idp.LoggedOut(answer); err != nil {
		t.Error(err)
	}
}

// Variants that the rules allow.
func TestLogoutAccepts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		edit edit
	}{
		// AgID's validator pads names.
		{"padded issuer", write(issuer, "\n  https://idp.example  \n")},
		{"without NotOnOrAfter", unset("", "NotOnOrAfter")},
		{"without SessionIndex", remove("samlp:SessionIndex")},
		{"without the issuer's Format", unset(issuer, "Format")},
		{"made a while ago", set("", "IssueInstant", instantOf(now.Add(-4*time.Minute)))},
		{"a clock that is ahead", set("", "IssueInstant", instantOf(now.Add(20*time.Second)))},
	} {
		if _, _, err := answerLogout(logout(t, c.edit), provider); err != nil {
			t.Errorf("%s: got %v, want an answer", c.what, err)
		}
	}
}

func instantOf(t time.Time) string { return t.Format(time.RFC3339) }

// Signed requests that break a rule.
func TestLogoutRejects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		edit edit
		want spid.Reason
	}{
		{"Version", set("", "Version", "1.0"), spid.ReasonVersion},
		{"no Version", unset("", "Version"), spid.ReasonVersion},
		{"no ID", unset("", "ID"), spid.ReasonRequestID},
		{"empty ID", set("", "ID", " "), spid.ReasonRequestID},
		{"another Destination", set("", "Destination", "https://another.example/spid/logout"), spid.ReasonDestination},
		{"no Destination", unset("", "Destination"), spid.ReasonDestination},
		{"no issuer", remove(issuer), spid.ReasonIssuer},
		{"empty issuer", write(issuer, ""), spid.ReasonIssuer},
		{"another issuer", write(issuer, "https://another.example"), spid.ReasonIssuer},
		{"two issuers", func(root *etree.Element) { root.AddChild(find(root, issuer).Copy()) }, spid.ReasonIssuer},
		{"no IssueInstant", unset("", "IssueInstant"), spid.ReasonIssueInstant},
		{"IssueInstant malformed", set("", "IssueInstant", "now"), spid.ReasonIssueInstant},
		{"old", set("", "IssueInstant", instantOf(now.Add(-6*time.Minute))), spid.ReasonIssueInstant},
		{"in the future", set("", "IssueInstant", instantOf(now.Add(time.Minute))), spid.ReasonIssueInstant},
		{"expired", set("", "NotOnOrAfter", instantOf(now.Add(-time.Second))), spid.ReasonNotOnOrAfter},
		{"NotOnOrAfter malformed", set("", "NotOnOrAfter", "never"), spid.ReasonNotOnOrAfter},
		{"another message", func(root *etree.Element) { root.Tag = "AuthnRequest" }, spid.ReasonNotALogoutRequest},
		{"another namespace", set("", "xmlns:samlp", "urn:x"), spid.ReasonNotALogoutRequest},
		{"many elements", func(root *etree.Element) {
			for range 100 {
				root.CreateElement("samlp:SessionIndex")
			}
		}, spid.ReasonTooLarge},
		{"depth", func(root *etree.Element) {
			for range 10 {
				root = root.CreateElement("samlp:Extensions")
			}
		}, spid.ReasonTooLarge},
	} {
		_, _, err := answerLogout(logout(t, c.edit), provider)
		t.Run(c.what, func(t *testing.T) { wantReason(t, err, c.want) })
	}
}

// Queries whose signature is missing, changed or by another provider.
func TestLogoutSignature(t *testing.T) {
	t.Parallel()
	good := logout(t)
	without := func(keys ...string) string {
		base, query, _ := strings.Cut(good, "?")
		var kept []string
		for part := range strings.SplitSeq(query, "&") {
			key, _, _ := strings.Cut(part, "=")
			if !slices.Contains(keys, key) {
				kept = append(kept, part)
			}
		}
		return base + "?" + strings.Join(kept, "&")
	}
	forged, err := impostor.Logout()
	if err != nil {
		t.Fatal(err)
	}
	bySHA1 := url.QueryEscape("http://www.w3.org/2000/09/xmldsig#rsa-sha1")
	bySHA512 := url.QueryEscape("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512")
	alg := url.QueryEscape("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
	for _, c := range []struct {
		what, location string
		want           spid.Reason
	}{
		{"another signer", forged, spid.ReasonSignatureInvalid},
		{"not signed", without("Signature"), spid.ReasonSignatureInvalid},
		{"no algorithm", without("Signature", "SigAlg"), spid.ReasonSignatureAlgorithm},
		{"a weak algorithm", strings.Replace(good, alg, bySHA1, 1), spid.ReasonSignatureAlgorithm},
		{"another algorithm", strings.Replace(good, alg, bySHA512, 1), spid.ReasonSignatureInvalid},
		{"another RelayState", strings.Replace(good, "RelayState=_", "RelayState=x", 1), spid.ReasonSignatureInvalid},
		{"no RelayState", without("RelayState"), spid.ReasonSignatureInvalid},
		// The same value with another escaping is not what was signed.
		{"re-escaped RelayState", strings.Replace(good, "RelayState=_", "RelayState=%5F", 1), spid.ReasonSignatureInvalid},
		{"a signature that is not base64", without("Signature") + "&Signature=%25", spid.ReasonNotBase64},
		{"an invalid escape", without("Signature") + "&Signature=%zz", spid.ReasonQuery},
	} {
		_, _, err := answerLogout(c.location, provider)
		t.Run(c.what, func(t *testing.T) { wantReason(t, err, c.want) })
	}
}

// Every listed certificate is accepted, even after it has expired, but not
// before it becomes valid.
func TestLogoutCertificates(t *testing.T) {
	t.Parallel()
	both := *provider
	both.Certificates = append(providerOf(impostor).Certificates, provider.Certificates...)
	if _, _, err := answerLogout(logout(t), &both); err != nil {
		t.Errorf("the second certificate: got %v", err)
	}
	old, err := expiredIDP.Logout()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := answerLogout(old, providerOf(expiredIDP)); err != nil {
		t.Errorf("an expired certificate: got %v", err)
	}
	notYetValid, err := futureIDP.Logout()
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = answerLogout(notYetValid, providerOf(futureIDP))
	wantReason(t, err, spid.ReasonSignatureInvalid)
}

// Queries that do not contain a logout request.
func TestLogoutQuery(t *testing.T) {
	t.Parallel()
	signed := func(message string) string {
		query, err := idp.SignQuery(spidtest.Query("SAMLRequest", []byte(message), "x"))
		if err != nil {
			t.Fatal(err)
		}
		return query
	}
	_, good, _ := strings.Cut(logout(t), "?")
	values, err := url.ParseQuery(good)
	if err != nil {
		t.Fatal(err)
	}
	sent := values.Get("SAMLRequest")
	for _, c := range []struct {
		what, query string
		want        spid.Reason
	}{
		{"empty", "", spid.ReasonQuery},
		{"an answer", strings.Replace(good, "SAMLRequest", "SAMLResponse", 1), spid.ReasonNotALogoutRequest},
		{"request and answer", good + "&SAMLResponse=x", spid.ReasonNotALogoutRequest},
		{"two requests", good + "&SAMLRequest=x", spid.ReasonQuery},
		{"two relay states", good + "&RelayState=x", spid.ReasonQuery},
		{"another encoding", good + "&SAMLEncoding=urn:x", spid.ReasonQuery},
		{"not base64", "SAMLRequest=%25", spid.ReasonNotBase64},
		{"not deflated", "SAMLRequest=" + base64.StdEncoding.EncodeToString([]byte("<x/>")), spid.ReasonQuery},
		{"cut short", "SAMLRequest=" + url.QueryEscape(sent[:40]), spid.ReasonQuery},
		{"not XML", signed("no"), spid.ReasonNotWellFormed},
		{"a document type",
			signed("<!DOCTYPE x><samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>"), spid.ReasonDoctype},
		{"very long", "RelayState=" + strings.Repeat("x", 40_000), spid.ReasonTooLarge},
		{"long when inflated", signed(strings.Repeat(" ", 1_000_000)), spid.ReasonTooLarge},
	} {
		_, _, err := sp.AnswerLogout(c.query, spid.Providers{provider}.Find)
		t.Run(c.what, func(t *testing.T) { wantReason(t, err, c.want) })
	}
	other := good + "&SAMLEncoding=urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE&lang=it"
	if _, _, err := sp.AnswerLogout(other, spid.Providers{provider}.Find); err != nil {
		t.Errorf("other parameters: got %v", err)
	}
}

// A provider without a URL for answers cannot be answered.
func TestLogoutWithoutService(t *testing.T) {
	t.Parallel()
	withoutURL := *provider
	withoutURL.LogoutURL = ""
	_, p, err := answerLogout(logout(t), &withoutURL)
	wantReason(t, err, spid.ReasonLogoutService)
	if p != &withoutURL {
		t.Errorf("the provider is %v", p)
	}
}

// The URL for answers may have a query.
func TestLogoutAnswerQuery(t *testing.T) {
	t.Parallel()
	p := *provider
	p.LogoutURL = "https://idp.example/logged-out?tenant=1"
	answer, _, err := answerLogout(logout(t), &p)
	if err != nil || !strings.HasPrefix(answer, p.LogoutURL+"&SAMLResponse=") {
		t.Errorf("the answer is sent to %s: %v", answer, err)
	}
}

// broken is a hardware token that cannot sign.
type broken struct{ crypto.Signer }

func (broken) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("no token")
}

// An answer that cannot be signed is our error, not a rejection.
func TestLogoutSigningError(t *testing.T) {
	t.Parallel()
	other := *sp
	other.Key = broken{sp.Key}
	_, query, _ := strings.Cut(logout(t), "?")
	_, _, err := other.AnswerLogout(query, spid.Providers{provider}.Find)
	var rejection *spid.Rejection
	if err == nil || errors.As(err, &rejection) {
		t.Errorf("got %v, want an error that is not a rejection", err)
	}
}
