package spidtest_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
)

// Errors that are not reported to the service.
func TestRefusals(t *testing.T) {
	t.Parallel()
	req, redirect, err := sp.Login(provider, spid.LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	another := *sp
	another.EntityID = "https://another.example"
	_, foreign, err := another.Login(provider, spid.LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	unsigned, _, _ := strings.Cut(redirect.URL, "&SigAlg=")
	for name, c := range map[string]struct{ url, code string }{
		"nothing":               {server.URL + "/sso", "ErrorCode 4"},
		"garbage":               {server.URL + "/sso?SAMLRequest=x", "ErrorCode 4"},
		"twice":                 {redirect.URL + "&RelayState=x", "ErrorCode 4"},
		"unsigned":              {unsigned, "ErrorCode 5"},
		"another RelayState":    {strings.Replace(redirect.URL, "RelayState=", "RelayState=X", 1), "ErrorCode 7"},
		"another service":       {foreign.URL, "ErrorCode 10"},
		"no RelayState":         {signed(t, req.XML, ""), "ErrorCode 4"},
		"RelayState with a URL": {signed(t, req.XML, "https://sp.example"), "ErrorCode 4"},
	} {
		p := get(t, c.url)
		if p.status != http.StatusForbidden || !strings.Contains(p.Text(), c.code+":") {
			t.Errorf("%s: got %d, %s, want %s", name, p.status, strings.TrimSpace(p.Find("main").Text()), c.code)
		}
	}
}

// Errors that are reported to the service.
func TestFaults(t *testing.T) {
	t.Parallel()
	set := func(path, key, value string) func(*etree.Element) {
		return func(root *etree.Element) { root.FindElement(path).CreateAttr(key, value) }
	}
	unset := func(path, key string) func(*etree.Element) {
		return func(root *etree.Element) { root.FindElement(path).RemoveAttr(key) }
	}
	remove := func(path string) func(*etree.Element) {
		return func(root *etree.Element) { root.RemoveChild(root.FindElement(path)) }
	}
	purpose := func(value string) func(*etree.Element) {
		return func(root *etree.Element) {
			extensions := etree.NewElement("samlp:Extensions")
			root.InsertChildAt(1, extensions)
			el := extensions.CreateElement("spid:Purpose")
			el.CreateAttr("xmlns:spid", "https://spid.gov.it/saml-extensions")
			el.SetText(value)
		}
	}
	const context = "samlp:RequestedAuthnContext"
	for _, c := range []struct {
		what string
		edit func(*etree.Element)
		want string
	}{
		{"Issuer Format", unset("saml:Issuer", "Format"), "nr08"},
		{"Issuer NameQualifier", unset("saml:Issuer", "NameQualifier"), "nr08"},
		{"order", func(root *etree.Element) { root.AddChild(root.FindElement("samlp:NameIDPolicy")) }, "nr08"},
		{"an element twice", func(root *etree.Element) { root.AddChild(root.FindElement(context).Copy()) }, "nr08"},
		{"an unknown element", func(root *etree.Element) { root.CreateElement("samlp:Other") }, "nr08"},
		{"a signature", func(root *etree.Element) { root.InsertChildAt(1, etree.NewElement("ds:Signature")) }, "nr08"},
		{"unknown purpose", purpose("XX"), "nr08"},
		{"empty purpose", purpose(""), "nr08"},
		{"Version", set(".", "Version", "1.0"), "nr09"},
		{"ID absent", unset(".", "ID"), "nr11"},
		{"ID with a digit first", set(".", "ID", "1a"), "nr11"},
		{"context absent", remove(context), "nr12"},
		{"context empty", func(root *etree.Element) { root.FindElement(context).Child = nil }, "nr12"},
		{"level", func(root *etree.Element) { root.FindElement(context + "/*").SetText("https://www.spid.gov.it/SpidL4") }, "nr12"},
		{"Comparison", set(context, "Comparison", "more"), "nr12"},
		{"ForceAuthn", unset(".", "ForceAuthn"), "nr12"},
		{"IssueInstant", set(".", "IssueInstant", "yesterday"), "nr13"},
		{"IssueInstant old", set(".", "IssueInstant", "2018-01-01T00:00:00Z"), "nr13"},
		{"IssueInstant future", set(".", "IssueInstant", "2099-01-01T00:00:00Z"), "nr13"},
		{"Destination", set(".", "Destination", "https://other.example"), "nr14"},
		{"IsPassive", set(".", "IsPassive", "false"), "nr15"},
		{"ACS index", set(".", "AssertionConsumerServiceIndex", "7"), "nr16"},
		{"ACS index and URL", set(".", "AssertionConsumerServiceURL", "https://sp.example/spid/acs"), "nr16"},
		{"ACS absent", unset(".", "AssertionConsumerServiceIndex"), "nr16"},
		{"NameIDPolicy absent", remove("samlp:NameIDPolicy"), "nr17"},
		{"NameIDPolicy Format", unset("samlp:NameIDPolicy", "Format"), "nr17"},
		{"AllowCreate", set("samlp:NameIDPolicy", "AllowCreate", "true"), "nr17"},
		{"AttributeConsumingServiceIndex", set(".", "AttributeConsumingServiceIndex", "7"), "nr18"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			req, _, err := sp.Login(provider, spid.LoginOptions{})
			if err != nil {
				t.Fatal(err)
			}
			doc := etree.NewDocument()
			if err := doc.ReadFromBytes(req.XML); err != nil {
				t.Fatal(err)
			}
			c.edit(doc.Root())
			raw, err := doc.WriteToBytes()
			if err != nil {
				t.Fatal(err)
			}
			response, _ := get(t, signed(t, raw, req.RelayState)).answer(t)
			if got := string(response.XML()); !strings.Contains(got, "ErrorCode "+c.want+"<") {
				t.Errorf("want %s, got %s", c.want, got)
			}
		})
	}
}

// signed returns the URL of a message with the service provider's signature.
func signed(t *testing.T, message []byte, relayState string) string {
	t.Helper()
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(message); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflated.Bytes())) +
		"&RelayState=" + url.QueryEscape(relayState) + "&SigAlg=" + url.QueryEscape("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
	digest := sha256.Sum256([]byte(query))
	signature, err := rsa.SignPKCS1v15(rand.Reader, sp.Key.(*rsa.PrivateKey), crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return provider.RedirectURL + "?" + query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
}
