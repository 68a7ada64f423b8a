package spid_test

import (
	"crypto"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"stella/spid"
	"stella/spid/spidtest"
)

// signedWeakly returns an aggregate with a valid signature of a forbidden form.
func signedWeakly(adjust func(*dsig.SigningContext), edits ...edit) []byte {
	raw := changed(twoProviders(), remove(signature), all(edits...))
	return changed(raw, func(root *etree.Element) { check(authority().Sign(root, adjust)) })
}

func TestAggregateSignature(t *testing.T) {
	t.Parallel()
	const info = signature + "/ds:SignedInfo"
	const reference = info + "/ds:Reference"
	by := func(r *spidtest.Registry) edit {
		return func(root *etree.Element) { check(r.Sign(root)) }
	}
	for name, test := range map[string]struct {
		raw  []byte
		want string // of the error
	}{
		"none": {changed(twoProviders(), remove(signature)), "0 ds:Signature"},
		"another signer": {
			changed(twoProviders(), remove(signature), by(otherAuthority())),
			"not signed with one of the configured",
		},
		"another signature before ours": {changed(twoProviders(), by(otherAuthority())), "2 ds:Signature"},
		"our signature twice":           {changed(twoProviders(), by(authority())), "2 ds:Signature"},
		"another key, our certificate": {changed(twoProviders(), remove(signature), by(otherAuthority()), func(root *etree.Element) {
			find(root, signature+"/ds:KeyInfo/ds:X509Data/ds:X509Certificate").SetText(signersCertificate())
		}), "is not valid"},
		"our certificate added": {changed(twoProviders(), remove(signature), by(otherAuthority()), func(root *etree.Element) {
			find(root, signature+"/ds:KeyInfo/ds:X509Data").CreateElement("ds:X509Certificate").SetText(signersCertificate())
		}), "is not valid"},
		"no KeyInfo": {changed(twoProviders(), remove(signature+"/ds:KeyInfo")), "not signed with one of the configured"},
		"not first": {
			changed(twoProviders(), func(root *etree.Element) { root.AddChild(find(root, signature)) }),
			"not the first child",
		},
		"in the first entry": {
			changed(twoProviders(), func(root *etree.Element) {
				find(root, "md:EntityDescriptor").InsertChildAt(0, find(root, signature))
			}),
			"0 ds:Signature",
		},
		"an unknown element in it": {
			changed(twoProviders(), func(root *etree.Element) { find(root, signature).CreateElement("ds:Object") }),
			"an unknown element in ds:Signature",
		},
		"SHA-1": {signedWeakly(func(c *dsig.SigningContext) { c.Hash = crypto.SHA1 }), "is not one SPID allows"},
		"SHA-1 digest": {
			changed(twoProviders(), set(reference+"/ds:DigestMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")),
			"ds:DigestMethod is not one",
		},
		"HMAC": {
			changed(twoProviders(), set(info+"/ds:SignatureMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")),
			"ds:SignatureMethod is not one",
		},
		"inclusive": {
			signedWeakly(func(c *dsig.SigningContext) { c.Canonicalizer = dsig.MakeC14N11Canonicalizer() }),
			"ds:CanonicalizationMethod is not one",
		},
		"with comments": {signedWeakly(func(c *dsig.SigningContext) {
			c.Canonicalizer = dsig.MakeC14N10ExclusiveWithCommentsCanonicalizerWithPrefixList("")
		}), "ds:CanonicalizationMethod is not one"},
		"other transform": {
			changed(
				twoProviders(),
				set(reference+"/ds:Transforms/ds:Transform[2]", "Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116"),
			),
			"transforms",
		},
		"of another ID":   {changed(twoProviders(), set(reference, "URI", "#_other")), "does not refer"},
		"of the document": {signedWeakly(func(*dsig.SigningContext) {}, unset("", "ID")), "does not refer"},
		"two references": {
			changed(twoProviders(), func(root *etree.Element) { el := find(root, reference); el.Parent().AddChild(el.Copy()) }),
			"2 ds:Reference",
		},
		"a value changed":  {changed(twoProviders(), set("md:EntityDescriptor", "entityID", "https://evil.example")), "is not valid"},
		"an entry added":   {changed(twoProviders(), addEntry("https://evil.example")), "is not valid"},
		"an entry removed": {changed(twoProviders(), remove("md:EntityDescriptor")), "is not valid"},
		"the date extended": {
			changed(twoProviders(set("", "validUntil", "2026-03-01T00:00:00Z")), set("", "validUntil", "2027-03-01T00:00:00Z")),
			"is not valid",
		},
		"an ID twice": {twoProviders(func(root *etree.Element) {
			find(root, "md:EntityDescriptor").CreateAttr("ID", root.SelectAttrValue("ID", ""))
		}), "another element has the root's ID"},
		"an ID twice, as id": {
			twoProviders(func(root *etree.Element) { find(root, role2).CreateAttr("id", root.SelectAttrValue("ID", "")) }),
			"another element has the root's ID",
		},
		"before the certificate": {twoProviders(), ""},
	} {
		at := now
		if name == "before the certificate" {
			at, test.want = now.AddDate(0, 0, -1), "not valid at this time"
		}
		a, err := spid.ParseAggregate(test.raw, []spid.Fingerprint{authority().Signer()}, at)
		if err == nil {
			t.Errorf("%s: got %s", name, entityIDs(a.Providers))
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		} else if strings.Contains(err.Error(), "response") {
			t.Errorf("%s: the error mentions a response: %v", name, err)
		}
	}
}

const role2 = "md:EntityDescriptor[2]/" + role

// signersCertificate returns the certificate that the authority puts into
// KeyInfo.
func signersCertificate() string {
	doc := etree.NewDocument()
	check(doc.ReadFromBytes(twoProviders()))
	return find(doc.Root(), signature+"/ds:KeyInfo/ds:X509Data/ds:X509Certificate").Text()
}

func addEntry(entityID string) edit {
	return func(root *etree.Element) {
		doc := etree.NewDocument()
		check(doc.ReadFromBytes(entry(entityID)))
		root.AddChild(doc.Root())
	}
}

// The signed list is present and valid, and another list is placed around it.
func TestAggregateWrapped(t *testing.T) {
	t.Parallel()
	around := func(el *etree.Element) *etree.Element {
		root := etree.NewElement("md:EntitiesDescriptor")
		root.CreateAttr("xmlns:md", "urn:oasis:names:tc:SAML:2.0:metadata")
		root.CreateAttr("xmlns:mdrpi", "urn:oasis:names:tc:SAML:metadata:rpi")
		root.CreateAttr("xmlns:ds", dsig.Namespace)
		if el != nil {
			root.AddChild(el)
		}
		addEntry("https://evil.example")(root)
		return root
	}
	for name, wrap := range map[string]func(signed *etree.Element) *etree.Element{
		"inside an unsigned one": around,
		"inside one with the same ID": func(signed *etree.Element) *etree.Element {
			root := around(signed)
			root.CreateAttr("ID", signed.SelectAttrValue("ID", ""))
			return root
		},
		"inside, its signature moved": func(signed *etree.Element) *etree.Element {
			root := around(signed)
			root.CreateAttr("ID", signed.SelectAttrValue("ID", ""))
			root.InsertChildAt(0, find(signed, signature))
			return root
		},
		"inside, its signature moved, with another ID": func(signed *etree.Element) *etree.Element {
			root := around(signed)
			root.CreateAttr("ID", "_evil")
			root.InsertChildAt(0, find(signed, signature))
			return root
		},
		"inside the signature": func(signed *etree.Element) *etree.Element {
			s := find(signed, signature)
			root := around(nil)
			root.CreateAttr("ID", signed.SelectAttrValue("ID", ""))
			root.InsertChildAt(0, s)
			s.CreateElement("ds:Object").AddChild(signed)
			return root
		},
		"inside the certificate": func(signed *etree.Element) *etree.Element {
			s := find(signed, signature)
			root := around(nil)
			root.CreateAttr("ID", signed.SelectAttrValue("ID", ""))
			root.InsertChildAt(0, s)
			find(s, "ds:KeyInfo/ds:X509Data/ds:X509Certificate").AddChild(signed)
			return root
		},
		"inside extensions": func(signed *etree.Element) *etree.Element {
			s := find(signed, signature)
			root := around(nil)
			root.CreateAttr("ID", signed.SelectAttrValue("ID", ""))
			root.InsertChildAt(0, s)
			extensions := etree.NewElement("md:Extensions")
			extensions.AddChild(signed)
			root.InsertChildAt(1, extensions)
			return root
		},
		"an entry added": func(signed *etree.Element) *etree.Element {
			addEntry("https://evil.example")(signed)
			return signed
		},
		"an entry in place of the root": func(signed *etree.Element) *etree.Element { return find(signed, "md:EntityDescriptor") },
	} {
		doc := etree.NewDocument()
		check(doc.ReadFromBytes(twoProviders()))
		raw, err := etree.NewDocumentWithRoot(wrap(doc.Root())).WriteToBytes()
		if err != nil {
			t.Fatal(err)
		}
		if a, err := parse(raw); err == nil {
			t.Errorf("%s: got %s", name, entityIDs(a.Providers))
		}
	}
}

// Comments do not change the content that is read.
func TestAggregateComments(t *testing.T) {
	t.Parallel()
	raw := changed(twoProviders(), func(root *etree.Element) {
		// Comments are not signed: an attacker can add them, and they must have no
		// effect.
		name := find(root, "md:EntityDescriptor/md:Organization/md:OrganizationDisplayName")
		text := name.Text()
		name.SetText(text[:4])
		name.AddChild(etree.NewComment(" niente "))
		name.CreateText(text[4:])
		c := find(root, "md:EntityDescriptor/"+certificate)
		text = c.Text()
		c.SetText(text[:100])
		c.AddChild(etree.NewComment("niente"))
		c.CreateText(text[100:])
		root.AddChild(etree.NewComment(`<md:EntityDescriptor entityID="https://evil.example"/>`))
	})
	a, err := parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	p := a.Providers.Find("https://a.example")
	if entityIDs(a.Providers) != "a b" || p.Name != "Identità di prova" || !p.Certificates[0].Equal(provider.Certificates[0]) {
		t.Errorf("got %s, %+v, %v", entityIDs(a.Providers), p, a.Faults)
	}
}

// Documents that are expensive or ambiguous are refused before the signature is
// verified.
func TestAggregateBounds(t *testing.T) {
	t.Parallel()
	good := string(twoProviders())
	inRoot := func(text string) string {
		return strings.Replace(good, "<md:Extensions>", text+"<md:Extensions>", 1)
	}
	var attributes string
	for i := range 33 {
		attributes += fmt.Sprintf(" a%d=''", i)
	}
	for name, test := range map[string]struct{ raw, want string }{
		"nothing":                         {"", "0 roots"},
		"text":                            {"no document", "text outside"},
		"another document":                {`<a xmlns="urn:a" ID="a"/>`, "not an EntitiesDescriptor"},
		"an entry alone":                  {string(idp.Metadata()), "not an EntitiesDescriptor"},
		"cut off":                         {good[:len(good)/2], "not well-formed"},
		"doctype":                         {`<!DOCTYPE a [<!ENTITY e "x">]>` + good, "document type"},
		"instruction":                     {inRoot("<?a b?>"), "processing instruction"},
		"two roots":                       {good + "<a/>", "2 roots"},
		"text after":                      {good + "x", "text outside"},
		"other charset":                   {`<?xml version="1.0" encoding="ISO-8859-1"?>` + good, "not well-formed"},
		"attribute twice":                 {strings.Replace(good, " ID=", ` ID="x" ID=`, 1), "two attributes of one name"},
		"a name that begins with a colon": {inRoot("<:a/>"), "does not begin with a letter"},
		"more than 10 MB":                 {good + strings.Repeat(" ", 10<<20), "more than 10485760 bytes"},
		"elements":                        {inRoot(strings.Repeat("<a/>", 20_001)), "more than 20000 elements"},
		"comments":                        {inRoot(strings.Repeat("<!---->", 20_001)), "more than 20000 elements and comments"},
		"deep":                            {strings.Repeat("<a>", 100), "more than 24 elements deep"},
		"attributes":                      {inRoot("<a" + attributes + "/>"), "more than 32 attributes"},
	} {
		a, err := parse([]byte(test.raw))
		if err == nil {
			t.Errorf("%s: got %s", name, entityIDs(a.Providers))
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func FuzzAggregate(f *testing.F) {
	good := twoProviders()
	f.Add(good)
	f.Add(twoProviders(set("", "validUntil", "2027-03-02T10:20:30Z"), set("", "cacheDuration", "PT1H")))
	f.Add(changed(good, remove(signature)))
	f.Add(changed(good, addEntry("https://evil.example")))
	f.Add(good[:len(good)/2])
	f.Add([]byte(`<!DOCTYPE a>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := parse(raw)
		if err != nil {
			return
		}
		for _, p := range a.Providers {
			if !strings.HasSuffix(p.EntityID, ".example") || p.EntityID == "https://evil.example" ||
				p.RedirectURL != "https://idp.example/sso" {
				t.Errorf("accepted %+v", p)
			}
			for _, c := range p.Certificates {
				if !c.Equal(provider.Certificates[0]) && !slices.ContainsFunc(providersOf(impostor)[0].Certificates, c.Equal) {
					t.Errorf("accepted a key of %s", c.Subject)
				}
			}
		}
	})
}

func providersOf(p *spidtest.Provider) spid.Providers {
	providers, err := spid.ParseProviders(p.Metadata())
	check(err)
	return providers
}
