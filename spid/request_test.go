package spid_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
)

// The content of the message, rule by rule.
func TestLoginMessage(t *testing.T) {
	t.Parallel()
	req, _, err := sp.Login(provider, spid.LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(req.XML); err != nil {
		t.Fatal(err)
	}
	root := doc.Root()
	if root.Tag != "AuthnRequest" || root.NamespaceURI() != "urn:oasis:names:tc:SAML:2.0:protocol" {
		t.Fatalf("the message is %s", root.FullTag())
	}
	want := map[string]string{
		"ID":                             req.ID,
		"Version":                        "2.0",
		"IssueInstant":                   "2026-03-02T10:20:30.678Z",
		"Destination":                    "https://idp.example/sso",
		"ForceAuthn":                     "true",
		"AssertionConsumerServiceIndex":  "0",
		"AttributeConsumingServiceIndex": "0",
	}
	for _, a := range root.Attr {
		if a.Space == "xmlns" {
			continue
		}
		if value, ok := want[a.FullKey()]; !ok || value != a.Value {
			t.Errorf("attribute %s is %q, want %q", a.FullKey(), a.Value, value)
		}
		delete(want, a.FullKey())
	}
	if len(want) > 0 {
		t.Errorf("attributes are missing: %v", want)
	}
	// The order of the schema, and no other elements.
	var got []string
	for _, el := range root.ChildElements() {
		got = append(got, el.FullTag())
	}
	if !slices.Equal(got, []string{"saml:Issuer", "samlp:NameIDPolicy", "samlp:RequestedAuthnContext"}) {
		t.Errorf("children are %v", got)
	}
	issuer := root.SelectElement("saml:Issuer")
	if issuer.Text() != sp.EntityID ||
		issuer.SelectAttrValue("NameQualifier", "") != sp.EntityID ||
		issuer.SelectAttrValue("Format", "") != "urn:oasis:names:tc:SAML:2.0:nameid-format:entity" {
		t.Errorf("Issuer is %q with %v", issuer.Text(), issuer.Attr)
	}
	policy := root.SelectElement("samlp:NameIDPolicy")
	if len(policy.Attr) != 1 || policy.SelectAttrValue("Format", "") != "urn:oasis:names:tc:SAML:2.0:nameid-format:transient" {
		t.Errorf("NameIDPolicy has %v", policy.Attr)
	}
	context := root.SelectElement("samlp:RequestedAuthnContext")
	if context.SelectAttrValue("Comparison", "") != "minimum" ||
		context.FindElement("saml:AuthnContextClassRef").Text() != "https://www.spid.gov.it/SpidL2" {
		t.Errorf("RequestedAuthnContext is not minimum SpidL2")
	}
}

func TestLoginRequest(t *testing.T) {
	t.Parallel()
	a, b := login(t), login(t)
	if a.ID == b.ID || a.RelayState == b.RelayState {
		t.Error("two requests have the same ID or RelayState")
	}
	if !regexp.MustCompile(`^_[A-Z2-7]{26,}$`).MatchString(a.ID) {
		t.Errorf("ID is %q", a.ID)
	}
	if !regexp.MustCompile(`^[A-Z2-7]{26,}$`).MatchString(a.RelayState) {
		t.Errorf("RelayState is %q, want a random one", a.RelayState)
	}
	if a.Provider != "https://idp.example" || !a.IssuedAt.Equal(now) || a.Level != spid.SpidL2 || a.Comparison != "minimum" {
		t.Errorf("got request %+v", a)
	}
}

// The signature of the query, verified with crypto/rsa only.
func TestLoginRedirect(t *testing.T) {
	t.Parallel()
	for _, sso := range []string{"https://idp.example/sso", "https://idp.example/sso?tenant=1"} {
		p := &spid.Provider{EntityID: provider.EntityID, RedirectURL: sso}
		req, redirect, err := sp.Login(p, spid.LoginOptions{})
		if err != nil {
			t.Fatal(err)
		}
		query, ok := strings.CutPrefix(redirect.URL, sso)
		if !ok {
			t.Fatalf("redirect goes to %s", redirect.URL)
		}
		if err := checkQuery(redirect.URL); err != nil {
			t.Error(err)
		}
		signed, _, _ := strings.Cut(query[1:], "&Signature=")
		var keys []string
		for part := range strings.SplitSeq(signed, "&") {
			key, _, _ := strings.Cut(part, "=")
			keys = append(keys, key)
		}
		if !slices.Equal(keys, []string{"SAMLRequest", "RelayState", "SigAlg"}) {
			t.Errorf("the signed parameters are %v", keys)
		}
		u, err := url.Parse(redirect.URL)
		if err != nil {
			t.Fatal(err)
		}
		values := u.Query()
		if values.Get("RelayState") != req.RelayState || values.Get("SigAlg") != "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" {
			t.Errorf("query is %v", values)
		}
		deflated, err := base64.StdEncoding.DecodeString(values.Get("SAMLRequest"))
		if err != nil {
			t.Fatal(err)
		}
		message, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(message, req.XML) {
			t.Errorf("sent %s, stored %s", message, req.XML)
		}
	}
}

// checkQuery verifies our signature over the parameters that precede it.
func checkQuery(location string) error {
	_, query, _ := strings.Cut(location, "SAML") // skip the provider's parameters
	signed, escaped, ok := strings.Cut("SAML"+query, "&Signature=")
	if !ok {
		return fmt.Errorf("%s is not signed", location)
	}
	encoded, err := url.QueryUnescape(escaped)
	if err != nil {
		return err
	}
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(signed))
	return rsa.VerifyPKCS1v15(sp.Certificate.PublicKey.(*rsa.PublicKey), crypto.SHA256, digest[:], signature)
}

func TestLoginErrors(t *testing.T) {
	t.Parallel()
	ellipticKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	byRedirect := &spid.Provider{EntityID: "https://idp.example", RedirectURL: "https://idp.example/sso"}
	noService := &spid.Provider{EntityID: "https://idp.example"}
	unchanged := func(*spid.ServiceProvider) {}
	toCIE := func(sp *spid.ServiceProvider) { sp.Scheme = spid.CIE }
	for _, c := range []struct {
		what    string
		edit    func(*spid.ServiceProvider)
		p       *spid.Provider
		options spid.LoginOptions
		want    string
	}{
		{"no provider", unchanged, nil, spid.LoginOptions{}, "no such identity provider"},
		{"no key", func(sp *spid.ServiceProvider) { sp.Key = nil }, provider, spid.LoginOptions{}, "no signing key"},
		{"a key not RSA", func(sp *spid.ServiceProvider) { sp.Key = ellipticKey }, provider, spid.LoginOptions{}, "not RSA"},
		{"no such level", func(sp *spid.ServiceProvider) { sp.Level = 4 }, provider, spid.LoginOptions{}, "SpidL4"},
		{"no such comparison", func(sp *spid.ServiceProvider) { sp.Comparison = "more" }, provider, spid.LoginOptions{}, `"more"`},
		{"no such purpose", unchanged, provider, spid.LoginOptions{Purpose: "XX"}, `"XX" is not a purpose`},
		{"CIE for a company", toCIE, provider, spid.LoginOptions{Company: true}, "natural persons"},
		{"CIE for a purpose", toCIE, provider, spid.LoginOptions{Purpose: "PG"}, "natural persons"},
		{"a form without an HTTP-POST service", unchanged, byRedirect, spid.LoginOptions{Post: true}, "no service for the request"},
		{"no service", unchanged, noService, spid.LoginOptions{}, "no service for the request"},
	} {
		other := *sp
		c.edit(&other)
		if _, _, err := other.Login(c.p, c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.what, err, c.want)
		}
	}
}

func TestDefaultClock(t *testing.T) {
	t.Parallel()
	other := *sp
	other.Now = nil
	req, _, err := other.Login(provider, spid.LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if age := time.Since(req.IssuedAt); age < 0 || age > time.Minute {
		t.Errorf("the request is %s old", age)
	}
}
