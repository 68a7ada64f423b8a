package spidtest_test

import (
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

// The Ministry's provider differs from SPID's providers
// (italia/cie-eid-saml-docs, "Interoperabilità con SPID").
func TestCIE(t *testing.T) {
	t.Parallel()
	cie := *sp
	cie.Scheme = spid.CIE
	cie.Organization.FiscalCode, cie.Organization.NACE2Code, cie.Organization.Municipality = "01234567897", "61.90.99", "H501"
	idp, server := serve(spidtest.Config{ServiceProvider: cie.Metadata, Scheme: spid.CIE})
	t.Cleanup(server.Close)
	provider := parse(idp.Metadata())
	if provider.EntityID != server.URL+"/idp/profile/SAML2/POST/SSO" || provider.EntityID != idp.EntityID() {
		t.Errorf("the entity ID is %s", provider.EntityID)
	}
	if provider.LogoutURL != "" {
		t.Errorf("the logout URL is %s, want none", provider.LogoutURL)
	}
	for _, byForm := range []bool{false, true} {
		_, dispatch, err := cie.Login(provider, spid.LoginOptions{Post: byForm})
		if err != nil {
			t.Fatal(err)
		}
		var login page
		if byForm {
			login = post(t, dispatch.URL, form(dispatch))
		} else {
			login = get(t, dispatch.URL)
		}
		response, _ := login.press(t, "Accedi come Anna Neri").press(t, "Autorizza").answer(t)
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(response.XML()); err != nil {
			t.Fatal(err)
		}
		root := doc.Root()
		if issuer := root.SelectElement("saml:Issuer"); issuer.SelectAttr("Format") != nil || issuer.Text() != idp.EntityID() {
			t.Errorf("the issuer is %s, %v", issuer.Text(), issuer.Attr)
		}
		if got := root.FindElement("//saml:AuthnContextClassRef").Text(); got != "https://www.spid.gov.it/SpidL3" {
			t.Errorf("the level is %s", got)
		}
		var sent []string
		for _, el := range root.FindElements("//saml:Attribute") {
			sent = append(sent, el.SelectAttrValue("Name", ""))
		}
		if got := strings.Join(sent, " "); got != "name familyName fiscalNumber dateOfBirth" {
			t.Errorf("the attributes are %s", got)
		}
	}
}

// CIE requires the Destination to be the URL that receives the request, and
// accepts only two comparisons.
func TestCIEFaults(t *testing.T) {
	t.Parallel()
	cie := *sp
	cie.Scheme = spid.CIE
	cie.Organization.FiscalCode, cie.Organization.NACE2Code, cie.Organization.Municipality = "01234567897", "61.90.99", "H501"
	idp, server := serve(spidtest.Config{ServiceProvider: cie.Metadata, Scheme: spid.CIE})
	t.Cleanup(server.Close)
	provider := parse(idp.Metadata())
	for want, edit := range map[string]func(*etree.Element){
		"nr14": func(r *etree.Element) { r.CreateAttr("Destination", idp.EntityID()) },
		"nr12": func(r *etree.Element) {
			r.SelectElement("samlp:RequestedAuthnContext").CreateAttr("Comparison", "better")
		},
	} {
		req, dispatch, err := cie.Login(provider, spid.LoginOptions{})
		if err != nil {
			t.Fatal(err)
		}
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(req.XML); err != nil {
			t.Fatal(err)
		}
		edit(doc.Root())
		raw, err := doc.WriteToBytes()
		if err != nil {
			t.Fatal(err)
		}
		base, _, _ := strings.Cut(dispatch.URL, "?")
		_, query, _ := strings.Cut(signed(t, raw, req.RelayState), "?")
		response, _ := get(t, base+"?"+query).answer(t)
		if got := string(response.XML()); !strings.Contains(got, "ErrorCode "+want+"<") {
			t.Errorf("want %s, got %s", want, got)
		}
	}
}
