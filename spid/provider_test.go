package spid_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/xml"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

// aggregate puts the entries of several providers into one file, like the
// registry.
func aggregate(t *testing.T, edits ...func(*etree.Element)) []byte {
	t.Helper()
	root := etree.NewElement("md:EntitiesDescriptor")
	root.CreateAttr("xmlns:md", "urn:oasis:names:tc:SAML:2.0:metadata")
	root.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
	for _, edit := range edits {
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(idp.Metadata()); err != nil {
			t.Fatal(err)
		}
		entry := doc.Root()
		entry.RemoveAttr("xmlns:md") // declared in the root
		entry.RemoveAttr("xmlns:ds")
		edit(entry)
		root.AddChild(entry)
	}
	raw, err := etree.NewDocumentWithRoot(root).WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Paths of an entry.
const (
	role        = "md:IDPSSODescriptor"
	keys        = role + "/md:KeyDescriptor"
	certificate = keys + "/ds:KeyInfo/ds:X509Data/ds:X509Certificate"
)

// onlyRedirect removes the HTTP-POST service of an entry.
var onlyRedirect = remove(role + "/md:SingleSignOnService[@Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST']")

// withKeyOf adds the key of p to an entry, before the entry's key.
func withKeyOf(p *spidtest.Provider) edit {
	return func(el *etree.Element) {
		doc := etree.NewDocument()
		check(doc.ReadFromBytes(p.Metadata()))
		find(el, role).InsertChildAt(0, find(doc.Root(), keys).Copy())
	}
}

func named(entityID string, edits ...func(*etree.Element)) func(*etree.Element) {
	return func(el *etree.Element) {
		el.CreateAttr("entityID", entityID)
		for _, edit := range edits {
			edit(el)
		}
	}
}

func TestParseProviders(t *testing.T) {
	t.Parallel()
	const sso = role + "/md:SingleSignOnService"
	twoKeys := withKeyOf(impostor)
	raw := aggregate(t,
		named("https://good.example"),
		named("https://two.example", twoKeys),
		named("https://half.example", twoKeys, write(certificate, "AAAA")),
		named("https://same.example", withKeyOf(idp)),
		named("https://encryption.example", twoKeys, set(keys, "use", "encryption")),
		named("https://any.example", unset(keys, "use")),
		named("https://no-key.example", remove(keys)),
		named("https://no-sso.example", onlyRedirect, remove(sso)),
		named("https://no-binding.example", onlyRedirect, set(sso, "Binding", "urn:oasis:names:tc:SAML:2.0:bindings:SOAP")),
		named("https://bad-url.example", set(sso, "Location", "javascript:alert(1)")),
		named("https://script.example", set(sso, "Location", "javascript://script.example/%0Aalert(1)")),
		named("https://no-host.example", onlyRedirect, set(sso, "Location", "https:///sso")),
		named("https://fragment.example", onlyRedirect, set(sso, "Location", "https://fragment.example/sso#here")),
		named("https://no-role.example", remove(role)),
		named("https://bad-date.example", set("", "validUntil", "never")),
		named("https://good.example"),
		named(" "),
		named("https://last.example"),
	)
	providers, err := spid.ParseProviders(raw)
	want := map[string]int{ // number of certificates
		"https://good.example": 1, "https://two.example": 2, "https://half.example": 1, "https://same.example": 1,
		"https://encryption.example": 1, "https://any.example": 1, "https://last.example": 1,
	}
	for _, p := range providers {
		if n, ok := want[p.EntityID]; !ok || n != len(p.Certificates) {
			t.Errorf("%s has %d certificates, want %d", p.EntityID, len(p.Certificates), n)
		}
		if p.Name != "Identità di prova" || p.RedirectURL != "https://idp.example/sso" {
			t.Errorf("got provider %+v", p)
		}
	}
	if len(providers) != len(want) {
		t.Errorf("got %d providers, want %d", len(providers), len(want))
	}
	if err == nil {
		t.Fatal("no error for the bad entries")
	}
	for _, want := range []string{
		"half.example", "no-key.example): no signing certificate", "no-sso.example): no single sign-on", "no-binding.example): no single",
		"bad-url.example", "script.example", "no-host.example", "fragment.example",
		"no-role.example): not an identity provider", "bad-date.example", "good.example): is listed twice", "no entityID",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	for _, good := range []string{"two.example", "last.example", "any.example"} {
		if strings.Contains(err.Error(), good) {
			t.Errorf("the error mentions %s:\n%v", good, err)
		}
	}
}

func TestParseProvidersEmpty(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"", "text", "<a>", "<EntityDescriptor/>", `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>`,
		`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>`, strings.Repeat("<a>", 5000),
	} {
		if providers, err := spid.ParseProviders([]byte(raw)); err == nil || len(providers) > 0 {
			t.Errorf("%.40s: got %d providers and %v", raw, len(providers), err)
		}
	}
}

// A provider may accept requests by either binding, and may have a separate URL
// for answers to its logout requests.
func TestProviderServices(t *testing.T) {
	t.Parallel()
	const redirect, post = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	service := func(name string, attributes ...string) edit {
		return func(el *etree.Element) {
			child := find(el, role).CreateElement("md:" + name)
			for i := 0; i < len(attributes); i += 2 {
				child.CreateAttr(attributes[i], attributes[i+1])
			}
		}
	}
	without := func(el *etree.Element) {
		for _, name := range []string{"SingleSignOnService", "SingleLogoutService"} {
			for _, child := range find(el, role).SelectElements(name) {
				child.Parent().RemoveChild(child)
			}
		}
	}
	for name, test := range map[string]struct {
		edit edit
		want spid.Provider
	}{
		"redirect": {service("SingleSignOnService", "Binding", redirect, "Location", "https://a.example/r"),
			spid.Provider{RedirectURL: "https://a.example/r"}},
		"POST": {service("SingleSignOnService", "Binding", post, "Location", "https://a.example/p"),
			spid.Provider{PostURL: "https://a.example/p"}},
		"both, twice": {all(
			service("SingleSignOnService", "Binding", post, "Location", "https://a.example/p"),
			service("SingleSignOnService", "Binding", redirect, "Location", "https://a.example/r"),
			service("SingleSignOnService", "Binding", post, "Location", "https://a.example/p2"),
			service("SingleSignOnService", "Binding", redirect, "Location", "https://a.example/r2")),
			spid.Provider{RedirectURL: "https://a.example/r", PostURL: "https://a.example/p"}},
		"logout": {all(
			service("SingleSignOnService", "Binding", redirect, "Location", "https://a.example/r"),
			service("SingleLogoutService", "Binding", post, "Location", "https://a.example/lp"),
			service("SingleLogoutService", "Binding", redirect, "Location", "https://a.example/l")),
			spid.Provider{RedirectURL: "https://a.example/r", LogoutURL: "https://a.example/l"}},
		"answers to logout": {all(
			service("SingleSignOnService", "Binding", redirect, "Location", "https://a.example/r"),
			service(
				"SingleLogoutService",
				"Binding",
				redirect,
				"Location",
				"https://a.example/l",
				"ResponseLocation",
				"https://a.example/la",
			)),
			spid.Provider{RedirectURL: "https://a.example/r", LogoutURL: "https://a.example/la"}},
	} {
		providers, err := spid.ParseProviders(aggregate(t, named("https://a.example", without, test.edit)))
		if err != nil || len(providers) != 1 {
			t.Errorf("%s: got %d providers and %v", name, len(providers), err)
			continue
		}
		if p := providers[0]; p.RedirectURL != test.want.RedirectURL || p.PostURL != test.want.PostURL ||
			p.LogoutURL != test.want.LogoutURL {
			t.Errorf("%s: got %+v, want %+v", name, p, test.want)
		}
	}
}

func TestProviderName(t *testing.T) {
	t.Parallel()
	name := func(lang, text string) func(*etree.Element) {
		return func(el *etree.Element) {
			organization := find(el, "md:Organization")
			child := organization.CreateElement("md:OrganizationDisplayName")
			child.CreateAttr("xml:lang", lang)
			child.SetText(text)
		}
	}
	display := "md:Organization/md:OrganizationDisplayName"
	for want, edit := range map[string]func(*etree.Element){
		"Italiano":          named("https://a.example", remove(display), name("en", "English"), name("it", " Italiano ")),
		"English":           named("https://b.example", remove(display), name("en", "English")),
		"Il nome":           named("https://c.example", remove(display), write("md:Organization/md:OrganizationName", "Il nome")),
		"https://d.example": named("https://d.example", remove("md:Organization")),
		"Sielte S.p.A.": named(
			"https://e.example",
			write(display, "http://www.sielte.it"),
			write("md:Organization/md:OrganizationName", "Sielte S.p.A."),
		),
		"Un gestore": named("https://f.example", write(display, "https://f.example/"), name("en", "Un\n  gestore")),
		"https://g.example": named(
			"https://g.example",
			write(display, "https://g.example"),
			write("md:Organization/md:OrganizationName", "https://www.g.example"),
		),
		"Sielte ID": named("https://identity.sieltecloud.it", write(display, "http://www.sielte.it")),
		"TIM id":    named("https://login.id.tim.it/affwebservices/public/saml2sso", write(display, "Trust Technologies srl")),
		"Etna ID":   named("https://id.eht.eu", remove("md:Organization")),
	} {
		providers, err := spid.ParseProviders(aggregate(t, edit))
		if err != nil {
			t.Fatal(err)
		}
		if got := providers[0].Name; got != want {
			t.Errorf("the name is %q, want %q", got, want)
		}
	}
}

// The error for a file without a provider says what the file is.
func TestNoProviderError(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`<EntityDescriptor entityID="https://a.example"/>`:                         `the root is EntityDescriptor of the namespace ""`,
		`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>`: "the list has no EntityDescriptor",
		`<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol"/>`: `the root is Response of the namespace ` +
			`"urn:oasis:names:tc:SAML:2.0:protocol"`,
		`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>`:        "no entityID",
		`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="a"/>`: "not an identity provider",
	} {
		if _, err := spid.ParseProviders([]byte(raw)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", raw, err, want)
		}
	}
}

// A provider whose answers cannot be verified is known but not offered.
func TestUnusable(t *testing.T) {
	t.Parallel()
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak := certify(short, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	soon := certify(manualKey, now.Add(time.Hour), now.AddDate(1, 0, 0))
	good := certify(manualKey, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	expired := certify(manualKey, now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0))
	for name, c := range map[string]struct {
		certificates []*x509.Certificate
		want         string // empty if it is offered
	}{
		"a key of 1,024 bits":         {[]*x509.Certificate{weak}, "a key of 1024 bits"},
		"a key that is not yet valid": {[]*x509.Certificate{soon}, "not valid before 2026-03-02T11:20:30Z"},
		"both":                        {[]*x509.Certificate{weak, soon}, "a key of 1024 bits"},
		"none":                        {nil, "no certificate"},
		"a good key":                  {[]*x509.Certificate{good}, ""},
		"a good key among others":     {[]*x509.Certificate{weak, soon, good}, ""},
		"an expired certificate":      {[]*x509.Certificate{expired}, ""},
	} {
		p := &spid.Provider{EntityID: "https://a.example", Certificates: c.certificates}
		at := now
		r := spid.NewRegistry(spid.Providers{p}, func() time.Time { return at })
		err := p.Unusable(now)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		if offered := r.Providers().Find(p.EntityID) != nil; offered != (c.want == "") {
			t.Errorf("%s: offered is %t", name, offered)
		}
		if r.Find(p.EntityID, now) == nil {
			t.Errorf("%s: Find does not return it", name)
		}
		if at = now.Add(2 * time.Hour); slices.Contains(c.certificates, soon) && len(r.Providers()) != 1 {
			t.Errorf("%s: not offered once its key is valid", name)
		}
	}
}

func TestProviders(t *testing.T) {
	t.Parallel()
	var ps spid.Providers
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		ps = append(ps, &spid.Provider{EntityID: id})
	}
	if got := ps.Find("c"); got != ps[2] {
		t.Errorf("found %v", got)
	}
	if got := ps.Find("z"); got != nil {
		t.Errorf("found %v", got)
	}
	ids := func(ps spid.Providers) string {
		var ids []string
		for _, p := range ps {
			ids = append(ids, p.EntityID)
		}
		return strings.Join(ids, "")
	}
	firsts := map[string]bool{}
	for range 200 {
		shuffled := ids(ps.Shuffled())
		firsts[shuffled[:1]] = true
		sorted := []byte(shuffled)
		slices.Sort(sorted)
		if string(sorted) != "abcdef" {
			t.Fatalf("shuffled to %s", shuffled)
		}
	}
	if len(firsts) != 6 {
		t.Errorf("only %v came first", firsts)
	}
	if ids(ps) != "abcdef" {
		t.Error("Shuffled changes its receiver")
	}
}

func FuzzParseProviders(f *testing.F) {
	f.Add(idp.Metadata())
	if raw, err := sp.Metadata(); err == nil {
		f.Add(raw)
	}
	f.Add([]byte(xml.Header + `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">` +
		`<EntityDescriptor entityID="x"><IDPSSODescriptor/></EntityDescriptor></EntitiesDescriptor>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		providers, err := spid.ParseProviders(raw)
		if len(providers) == 0 && err == nil {
			t.Error("neither a provider nor an error")
		}
		for _, p := range providers {
			if p.EntityID == "" || p.RedirectURL+p.PostURL == "" || len(p.Certificates) == 0 {
				t.Errorf("unusable provider %+v", p)
			}
		}
	})
}
