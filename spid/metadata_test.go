package spid_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"stella/spid"
)

func metadata(t *testing.T, sp *spid.ServiceProvider) *etree.Element {
	t.Helper()
	raw, err := sp.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	return doc.Root()
}

func TestMetadataSignature(t *testing.T) {
	t.Parallel()
	root := metadata(t, sp)
	if first := root.ChildElements()[0]; first.Tag != "Signature" || first.NamespaceURI() != dsig.Namespace {
		t.Errorf("the first child is %s, want the signature", first.Tag)
	}
	context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{sp.Certificate}})
	context.Clock = dsig.NewFakeClockAt(now)
	signed, err := context.Validate(root)
	if err != nil {
		t.Fatal(err)
	}
	if signed.Tag != "EntityDescriptor" {
		t.Errorf("%s is signed", signed.Tag)
	}
	info := root.FindElement("ds:Signature/ds:SignedInfo")
	for path, want := range map[string]string{
		"ds:CanonicalizationMethod":    "http://www.w3.org/2001/10/xml-exc-c14n#",
		"ds:SignatureMethod":           "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
		"ds:Reference/ds:DigestMethod": "http://www.w3.org/2001/04/xmlenc#sha256",
	} {
		if got := info.FindElement(path).SelectAttrValue("Algorithm", ""); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	again, err := sp.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	if once, _ := sp.Metadata(); !bytes.Equal(once, again) {
		t.Error("the metadata are not the same twice")
	}
}

// outline writes elements and their texts and attributes, one to a line.
func outline(el *etree.Element, indent string, b *strings.Builder) {
	b.WriteString(indent + el.FullTag())
	for _, a := range el.Attr {
		if a.Space != "xmlns" {
			b.WriteString(" " + a.FullKey() + "=" + a.Value)
		}
	}
	if text := strings.TrimSpace(el.Text()); text != "" {
		b.WriteString(" " + text)
	}
	b.WriteString("\n")
	for _, child := range el.ChildElements() {
		outline(child, indent+" ", b)
	}
}

// Everything but the signature, which is checked above.
func TestMetadataStructure(t *testing.T) {
	t.Parallel()
	root := metadata(t, sp)
	root.RemoveChild(root.ChildElements()[0])
	certificate := root.FindElement("md:SPSSODescriptor/md:KeyDescriptor/ds:KeyInfo/ds:X509Data/ds:X509Certificate")
	if certificate.Text() != base64.StdEncoding.EncodeToString(sp.Certificate.Raw) {
		t.Error("the certificate is not ours")
	}
	certificate.SetText("OURS")
	if id := root.RemoveAttr("ID"); id == nil || !strings.HasPrefix(id.Value, "_") {
		t.Errorf("ID is %v", id)
	}
	for prefix, want := range map[string]string{
		"md": "urn:oasis:names:tc:SAML:2.0:metadata", "spid": "https://spid.gov.it/saml-extensions",
	} {
		if got := root.SelectAttrValue("xmlns:"+prefix, ""); got != want {
			t.Errorf("xmlns:%s is %s, want %s", prefix, got, want)
		}
	}
	if got := root.FindElement("//fpa:CessionarioCommittente").NamespaceURI(); got != "https://spid.gov.it/invoicing-extensions" {
		t.Errorf("the namespace of the billing data is %s", got)
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
   md:RequestedAttribute Name=spidCode NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=name NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=familyName NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=fiscalNumber NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=dateOfBirth NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
 md:Organization
  md:OrganizationName xml:lang=it Società d'Esempio S.p.A. & Figli
  md:OrganizationDisplayName xml:lang=it Società d'Esempio
  md:OrganizationURL xml:lang=it https://esempio.example
 md:ContactPerson contactType=other
  md:Extensions
   spid:VATNumber IT01234567897
   spid:Private
  md:Company Società d'Esempio S.p.A. & Figli
  md:EmailAddress spid@esempio.example
  md:TelephoneNumber +390612345678
 md:ContactPerson contactType=billing
  md:Extensions
   fpa:CessionarioCommittente
    fpa:DatiAnagrafici
     fpa:IdFiscaleIVA
      fpa:IdPaese IT
      fpa:IdCodice 01234567897
     fpa:Anagrafica
      fpa:Denominazione Società d'Esempio S.p.A. & Figli
    fpa:Sede
     fpa:Indirizzo Via Roma
     fpa:NumeroCivico 1
     fpa:CAP 00184
     fpa:Comune Roma
     fpa:Provincia RM
     fpa:Nazione IT
  md:Company Società d'Esempio S.p.A. & Figli
  md:EmailAddress fatture@esempio.example
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A public administration, and a private organization without a VAT number.
func TestMetadataContacts(t *testing.T) {
	t.Parallel()
	tags := func(root *etree.Element, path string) (tags []string) {
		for _, el := range root.FindElements(path) {
			tags = append(tags, el.FullTag())
		}
		return tags
	}
	other := *sp
	other.Organization.Public, other.Organization.IPACode, other.Organization.VATNumber = true, "esempio", ""
	root := metadata(t, &other)
	if got := tags(root, "md:ContactPerson[@contactType='other']/md:Extensions/*"); !slices.Equal(got, []string{"spid:IPACode", "spid:Public"}) {
		t.Errorf("public: extensions are %v", got)
	}
	if n := len(root.FindElements("md:ContactPerson")); n != 1 {
		t.Errorf("public: %d contacts, want no one for billing", n)
	}

	other = *sp
	other.Organization.VATNumber, other.Organization.FiscalCode = "", "01234567897"
	root = metadata(t, &other)
	if got := tags(root, "md:ContactPerson[@contactType='other']/md:Extensions/*"); !slices.Equal(got, []string{"spid:FiscalCode", "spid:Private"}) {
		t.Errorf("without VAT number: extensions are %v", got)
	}
	if got := tags(root, "//fpa:DatiAnagrafici/*"); !slices.Equal(got, []string{"fpa:CodiceFiscale", "fpa:Anagrafica"}) {
		t.Errorf("without VAT number: billing data are %v", got)
	}
}

// All that is missing is told at once.
func TestMetadataRefuses(t *testing.T) {
	t.Parallel()
	_, err := (&spid.ServiceProvider{}).Metadata()
	if err == nil {
		t.Fatal("metadata of nothing")
	}
	for _, want := range []string{
		"no entity ID", "no assertion consumer service URL", "no logout URL", "no signing key", "no name",
		"no display name", "is no URL", "is no e-mail address", "VAT number or its fiscal code", "no billing street", "five digits", "no billing city",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	for want, edit := range map[string]func(*spid.Organization){
		"has no IPA code":    func(o *spid.Organization) { o.IPACode = "x" },
		"needs its IPA code": func(o *spid.Organization) { o.Public = true },
		"is no VAT number":   func(o *spid.Organization) { o.VATNumber = "1" },
		"no phone number":    func(o *spid.Organization) { o.Phone = "06 123" },
	} {
		o := organization()
		edit(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
