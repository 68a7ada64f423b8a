package spid_test

import (
	"slices"
	"strings"
	"testing"

	"stella/spid"
)

func cieOrganization() spid.Organization {
	o := organization()
	o.FiscalCode, o.Municipality, o.NACE2Code = "01234567897", "H501", "61.90.99"
	return o
}

// cie returns the service provider of the tests with the scheme CIE.
func cie() *spid.ServiceProvider {
	other := *sp
	other.Scheme, other.Organization = spid.CIE, cieOrganization()
	return &other
}

// The content of CIE's metadata, rule by rule (italia/cie-eid-saml-docs,
// "Federazione").
func TestMetadataCIE(t *testing.T) {
	t.Parallel()
	root := metadata(t, cie())
	if first := root.ChildElements()[0]; first.Tag != "Signature" {
		t.Errorf("the first child is %s, want the signature", first.Tag)
	}
	root.RemoveChild(root.ChildElements()[0])
	root.RemoveAttr("ID")
	root.FindElement("//ds:X509Certificate").SetText("OURS")
	if got := root.SelectAttrValue("xmlns:cie", ""); got != "https://www.cartaidentita.interno.gov.it/saml-extensions" {
		t.Errorf("the namespace of CIE is %s", got)
	}
	var b strings.Builder
	outline(root, "", &b)
	want := `md:EntityDescriptor entityID=https://sp.example
 md:SPSSODescriptor protocolSupportEnumeration=urn:oasis:names:tc:SAML:2.0:protocol AuthnRequestsSigned=true WantAssertionsSigned=true
  md:KeyDescriptor use=signing
   ds:KeyInfo
    ds:X509Data
     ds:X509Certificate OURS
  md:SingleLogoutService Binding=urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect Location=https://sp.example/spid/logout
  md:NameIDFormat urn:oasis:names:tc:SAML:2.0:nameid-format:transient
  md:AssertionConsumerService Binding=urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST Location=https://sp.example/spid/acs index=0 isDefault=true
  md:AttributeConsumingService index=0
   md:ServiceName xml:lang=it Società d'Esempio
   md:RequestedAttribute Name=name NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=familyName NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=fiscalNumber NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=dateOfBirth NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
 md:Organization
  md:OrganizationName xml:lang=it Società d'Esempio S.p.A. & Figli
  md:OrganizationDisplayName xml:lang=it Società d'Esempio
  md:OrganizationURL xml:lang=it https://esempio.example
 md:ContactPerson contactType=administrative
  md:Extensions
   cie:Private
   cie:VATNumber IT01234567897
   cie:FiscalCode 01234567897
   cie:NACE2Code 61.90.99
   cie:Municipality H501
  md:Company Società d'Esempio S.p.A. & Figli
  md:EmailAddress spid@esempio.example
  md:TelephoneNumber +390612345678
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestMetadataCIEContacts(t *testing.T) {
	t.Parallel()
	public := cie()
	public.Organization.Public, public.Organization.IPACode = true, "esempio"
	root := metadata(t, public)
	if got := tags(root, "md:ContactPerson[@contactType='administrative']/md:Extensions/*"); !slices.Equal(got, []string{
		"cie:Public", "cie:IPACode", "cie:Municipality",
	}) {
		t.Errorf("public: extensions are %v", got)
	}

	withTechnical := cie()
	withTechnical.Organization.TechnicalEmail = "tecnici@esempio.example"
	root = metadata(t, withTechnical)
	if got := root.FindElement("md:ContactPerson[@contactType='technical']/md:EmailAddress").Text(); got != "tecnici@esempio.example" {
		t.Errorf("the technical contact is %s", got)
	}
	if got := root.FindElement("md:ContactPerson[@contactType='administrative']/md:EmailAddress").Text(); got != "spid@esempio.example" {
		t.Errorf("the administrative contact is %s", got)
	}
}
