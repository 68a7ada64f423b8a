package spid_test

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"io"
	"slices"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"stella/spid"
)

// asked returns the message of a login, the request and the dispatch.
func asked(t *testing.T, sp *spid.ServiceProvider, p *spid.Provider, options spid.LoginOptions) (*etree.Element, spid.Request, spid.Dispatch) {
	t.Helper()
	req, dispatch, err := sp.Login(p, options)
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(req.XML); err != nil {
		t.Fatal(err)
	}
	return doc.Root(), req, dispatch
}

// A company's login requests the second set of attributes and, if configured,
// an identity of the given type (Avviso 18).
func TestLoginOfCompany(t *testing.T) {
	t.Parallel()
	root, _, _ := asked(t, sp, provider, spid.LoginOptions{Company: true, Purpose: "PG"})
	if got := root.SelectAttrValue("AttributeConsumingServiceIndex", ""); got != "1" {
		t.Errorf("the attribute set is %s", got)
	}
	if got := tags(root, "*"); !slices.Equal(got, []string{
		"saml:Issuer", "samlp:Extensions", "samlp:NameIDPolicy", "samlp:RequestedAuthnContext",
	}) {
		t.Errorf("children are %v, want the order of the schema", got)
	}
	purpose := root.FindElement("samlp:Extensions/spid:Purpose")
	if purpose == nil || purpose.NamespaceURI() != "https://spid.gov.it/saml-extensions" || purpose.Text() != "PG" {
		t.Errorf("the purpose is %v", purpose)
	}
	root, _, _ = asked(t, sp, provider, spid.LoginOptions{Company: true})
	if root.SelectElement("samlp:Extensions") != nil {
		t.Error("there are extensions without a purpose")
	}
}

func TestCheckPurpose(t *testing.T) {
	t.Parallel()
	for purpose, good := range map[string]bool{
		"": true, "P": true, "PF": true, "PG": true, "LP": true, "PX": true,
		"p": false, "PP": false, "PG ": false,
	} {
		if err := spid.CheckPurpose(purpose); (err == nil) != good {
			t.Errorf("%q: got %v", purpose, err)
		}
	}
}

// SPID technical rules, "AuthnRequest", RequestedAuthnContext; italia/cie-eid-saml-docs,
// "Protocolli di comunicazione".
func TestCheckLevel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scheme     spid.Scheme
		comparison string
		good       []spid.Level
	}{
		{spid.SPID, "exact", []spid.Level{spid.SpidL1, spid.SpidL2, spid.SpidL3}},
		{spid.SPID, "minimum", []spid.Level{spid.SpidL1, spid.SpidL2, spid.SpidL3}},
		{spid.SPID, "maximum", []spid.Level{spid.SpidL1, spid.SpidL2, spid.SpidL3}},
		{spid.SPID, "better", []spid.Level{spid.SpidL1, spid.SpidL2}},
		{spid.SPID, "Minimum", nil},
		{spid.SPID, "", nil},
		{spid.CIE, "exact", []spid.Level{spid.SpidL3}},
		{spid.CIE, "minimum", []spid.Level{spid.SpidL1, spid.SpidL2, spid.SpidL3}},
		{spid.CIE, "maximum", nil},
		{spid.CIE, "better", nil},
	} {
		for level := spid.Level(0); level <= 4; level++ {
			if err := c.scheme.CheckLevel(level, c.comparison); (err == nil) != slices.Contains(c.good, level) {
				t.Errorf("%s, %s %s: got %v", c.scheme, c.comparison, level, err)
			}
		}
	}
}

// The request has the configured level and comparison. It always requires a new
// authentication, which is mandatory above SpidL1 and for CIE.
func TestLoginLevels(t *testing.T) {
	t.Parallel()
	for level := spid.SpidL1; level <= spid.SpidL3; level++ {
		other := *sp
		other.Level, other.Comparison = level, "exact"
		root, req, _ := asked(t, &other, provider, spid.LoginOptions{})
		context := root.SelectElement("samlp:RequestedAuthnContext")
		if got := context.SelectElement("saml:AuthnContextClassRef").Text(); got != level.URI() || req.Level != level {
			t.Errorf("the requested level is %s, want %s", got, level)
		}
		if got := context.SelectAttrValue("Comparison", ""); got != "exact" || req.Comparison != "exact" {
			t.Errorf("the comparison is %s", got)
		}
		if got := root.SelectAttrValue("ForceAuthn", ""); got != "true" {
			t.Errorf("%s: ForceAuthn is %q", level, got)
		}
	}
}

// A request is sent by HTTP-Redirect if possible, otherwise by HTTP-POST. Its
// Destination is the URL to which it is sent (italia/cie-eid-saml-docs,
// "Interoperabilità con SPID"; Avviso 11).
func TestLoginBinding(t *testing.T) {
	t.Parallel()
	const redirect, post = "https://idp.example/redirect", "https://idp.example/post"
	for _, c := range []struct {
		what     string
		p        spid.Provider
		options  spid.LoginOptions
		want     string
		postedTo bool
	}{
		{"both", spid.Provider{RedirectURL: redirect, PostURL: post}, spid.LoginOptions{}, redirect, false},
		{"both, by a form", spid.Provider{RedirectURL: redirect, PostURL: post}, spid.LoginOptions{Post: true}, post, true},
		{"only forms", spid.Provider{PostURL: post}, spid.LoginOptions{}, post, true},
	} {
		for _, sp := range []*spid.ServiceProvider{sp, cie()} {
			root, _, dispatch := asked(t, sp, &c.p, c.options)
			if got := root.SelectAttrValue("Destination", ""); got != c.want {
				t.Errorf("%s: Destination is %s", c.what, got)
			}
			if (dispatch.SAMLRequest != "") != c.postedTo || c.postedTo && dispatch.URL != c.want {
				t.Errorf("%s: sent to %s, posted %t", c.what, dispatch.URL, dispatch.SAMLRequest != "")
			}
		}
	}
}

// A posted message has an enveloped signature, right after the issuer, and is
// not deflated (SPID technical rules, "Binding HTTP-POST").
func TestLoginByPost(t *testing.T) {
	t.Parallel()
	root, req, dispatch := asked(t, sp, provider, spid.LoginOptions{Post: true, Company: true, Purpose: "PG"})
	sent, err := base64.StdEncoding.DecodeString(dispatch.SAMLRequest)
	if err != nil || string(sent) != string(req.XML) {
		t.Errorf("sent %s, stored %s: %v", sent, req.XML, err)
	}
	if dispatch.RelayState != req.RelayState || req.RelayState == "" {
		t.Errorf("RelayState is %q and %q", dispatch.RelayState, req.RelayState)
	}
	want := []string{"saml:Issuer", "ds:Signature", "samlp:Extensions", "samlp:NameIDPolicy", "samlp:RequestedAuthnContext"}
	if got := tags(root, "*"); !slices.Equal(got, want) {
		t.Errorf("children are %v, want %v", got, want)
	}
	signedByUs(t, root)
}

// signedByUs checks the enveloped signature of an element.
func signedByUs(t *testing.T, root *etree.Element) {
	t.Helper()
	info := root.FindElement("ds:Signature/ds:SignedInfo")
	if got := info.FindElement("ds:Reference").SelectAttrValue("URI", ""); got != "#"+root.SelectAttrValue("ID", "") {
		t.Errorf("the signature refers to %s", got)
	}
	for path, want := range map[string]string{
		"ds:CanonicalizationMethod":    "http://www.w3.org/2001/10/xml-exc-c14n#",
		"ds:SignatureMethod":           "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
		"ds:Reference/ds:DigestMethod": "http://www.w3.org/2001/04/xmlenc#sha256",
	} {
		if got := info.FindElement(path).SelectAttrValue("Algorithm", ""); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{sp.Certificate}})
	context.Clock = dsig.NewFakeClockAt(now)
	if _, err := context.Validate(root); err != nil {
		t.Error(err)
	}
}

// A token stands for a hardware token: a key that can only be used to sign.
type token struct{ key crypto.Signer }

func (t token) Public() crypto.PublicKey { return t.key.Public() }

func (t token) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return t.key.Sign(rand, digest, opts)
}

// All signatures use crypto.Signer, so the key can be in a hardware token.
func TestAnySigner(t *testing.T) {
	t.Parallel()
	other := *sp
	other.Key = token{sp.Key}
	signedByUs(t, metadata(t, &other))
	posted, _, _ := asked(t, &other, provider, spid.LoginOptions{Post: true})
	signedByUs(t, posted)
	_, _, dispatch := asked(t, &other, provider, spid.LoginOptions{})
	if err := checkQuery(dispatch.URL); err != nil {
		t.Error(err)
	}
	if der, err := spid.CertificateRequest(other.Key, other.EntityID, other.Organization); err != nil {
		t.Error(err)
	} else if request, err := x509.ParseCertificateRequest(der); err != nil || request.CheckSignature() != nil {
		t.Errorf("the certificate request is not signed: %v", err)
	}
}
