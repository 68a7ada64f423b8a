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
		t.Errorf("the signed element is %s", signed.Tag)
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
		t.Error("two calls return different metadata")
	}
}

// outline writes one line for each element, with its text and attributes.
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

// Everything except the signature, which is tested above.
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
  md:AttributeConsumingService index=1
   md:ServiceName xml:lang=it Società d'Esempio per le imprese
   md:RequestedAttribute Name=spidCode NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=name NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=familyName NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=fiscalNumber NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=dateOfBirth NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=companyName NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=companyFiscalNumber NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=ivaCode NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
   md:RequestedAttribute Name=registeredOffice NameFormat=urn:oasis:names:tc:SAML:2.0:attrname-format:basic
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

// During a key change both certificates are listed, the signing one first (SPID
// technical rules, "Metadata", "Service Provider", KeyDescriptor).
func TestMetadataKeys(t *testing.T) {
	t.Parallel()
	other := *sp
	other.Other = provider.Certificates[0]
	root := metadata(t, &other)
	var listed []string
	for _, el := range root.FindElements("md:SPSSODescriptor/md:KeyDescriptor[@use='signing']/ds:KeyInfo/ds:X509Data/ds:X509Certificate") {
		listed = append(listed, el.Text())
	}
	want := []string{
		base64.StdEncoding.EncodeToString(sp.Certificate.Raw),
		base64.StdEncoding.EncodeToString(provider.Certificates[0].Raw),
	}
	if !slices.Equal(listed, want) {
		t.Error("want our certificate and then the other")
	}
}

// A public administration, and private organizations with other codes (Avviso
// 29, "ContactPerson").
func TestMetadataContacts(t *testing.T) {
	t.Parallel()
	public := organization()
	public.Public, public.IPACode, public.VATNumber = true, "esempio", ""
	public.Billing = spid.Billing{}
	without := organization()
	without.VATNumber, without.FiscalCode = "", "01234567897"
	both := organization()
	both.FiscalCode = "09876543217"
	for _, c := range []struct {
		what         string
		organization spid.Organization
		extensions   []string // of the contact "other", in the order of the schema
		buyer        []string // nil if there is no contact "billing"
	}{
		{"public", public, []string{"spid:IPACode", "spid:Public"}, nil},
		{"without VAT number", without, []string{"spid:FiscalCode", "spid:Private"}, []string{"fpa:CodiceFiscale", "fpa:Anagrafica"}},
		{"with both codes", both, []string{"spid:VATNumber", "spid:FiscalCode", "spid:Private"},
			[]string{"fpa:IdFiscaleIVA", "fpa:CodiceFiscale", "fpa:Anagrafica"}},
	} {
		other := *sp
		other.Organization = c.organization
		root := metadata(t, &other)
		if got := tags(root, "md:ContactPerson[@contactType='other']/md:Extensions/*"); !slices.Equal(got, c.extensions) {
			t.Errorf("%s: extensions are %v, want %v", c.what, got, c.extensions)
		}
		if got := tags(root, "md:ContactPerson[@contactType='billing']//fpa:DatiAnagrafici/*"); !slices.Equal(got, c.buyer) {
			t.Errorf("%s: billing data are %v, want %v", c.what, got, c.buyer)
		}
	}
}

func tags(root *etree.Element, path string) (tags []string) {
	for _, el := range root.FindElements(path) {
		tags = append(tags, el.FullTag())
	}
	return tags
}

// The error lists everything that is missing.
func TestMetadataErrors(t *testing.T) {
	t.Parallel()
	for scheme, wants := range map[spid.Scheme][]string{
		spid.SPID: {
			"the SPID metadata", "no entity ID", "no assertion consumer service URL", "no logout URL", "no signing key", "no name",
			"no display name", "is not a URL", "is not an e-mail address", "VAT number or its fiscal code",
			"no billing street", "five digits", "no billing city",
		},
		spid.CIE: {"the CIE metadata", "no signing key", "no code of a municipality", "needs its fiscal code", "no ATECO code"},
	} {
		_, err := (&spid.ServiceProvider{Scheme: scheme}).Metadata()
		if err == nil {
			t.Fatal("got metadata of an empty service provider")
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error does not say %q:\n%v", want, err)
			}
		}
		if scheme == spid.CIE && strings.Contains(err.Error(), "billing") {
			t.Errorf("the CIE error mentions billing: %v", err)
		}
	}
}

func TestOrganizationCheck(t *testing.T) {
	t.Parallel()
	good := cieOrganization()
	if err := good.Check(spid.SPID, spid.CIE); err != nil {
		t.Fatal(err)
	}
	for want, edit := range map[string]func(*spid.Organization){
		"has no IPA code":              func(o *spid.Organization) { o.IPACode = "x" },
		"needs its IPA code":           func(o *spid.Organization) { o.Public = true },
		"is no VAT number":             func(o *spid.Organization) { o.VATNumber = "1" },
		"is no fiscal code":            func(o *spid.Organization) { o.FiscalCode = "rssmra80a01h501u" },
		"no phone number":              func(o *spid.Organization) { o.Phone = "06 123" },
		"billing: \"06":                func(o *spid.Organization) { o.Billing.Phone = "06 123" },
		"billing name":                 func(o *spid.Organization) { o.Billing.Name = "Οδός" },
		"1 to 80 Latin-1":              func(o *spid.Organization) { o.Name = strings.Repeat("à", 81) },
		"billing street \"":            func(o *spid.Organization) { o.Billing.Street = strings.Repeat("x", 61) },
		"billing street number":        func(o *spid.Organization) { o.Billing.StreetNumber = "123456789" },
		"does not have five digits":    func(o *spid.Organization) { o.Billing.PostalCode = "1184" },
		"billing city \"":              func(o *spid.Organization) { o.Billing.City = "Łódź" },
		"billing province \"Roma\"":    func(o *spid.Organization) { o.Billing.Province = "Roma" },
		"billing country \"it\"":       func(o *spid.Organization) { o.Billing.Country = "it" },
		"code of a municipality":       func(o *spid.Organization) { o.Municipality = "Roma" },
		"no ATECO code":                func(o *spid.Organization) { o.NACE2Code = "J" },
		"needs its fiscal code":        func(o *spid.Organization) { o.FiscalCode = "" },
		"\"tecnici\" is not an e-mail": func(o *spid.Organization) { o.TechnicalEmail = "tecnici" },
	} {
		o := good
		edit(&o)
		if err := o.Check(spid.SPID, spid.CIE); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
