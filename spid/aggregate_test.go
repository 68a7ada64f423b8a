package spid_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

// The registry with the trusted signature, and another one.
var (
	authority      = sync.OnceValue(newAuthority)
	otherAuthority = sync.OnceValue(newAuthority)
)

func newAuthority() *spidtest.Registry {
	r, err := spidtest.NewRegistry(now)
	check(err)
	return r
}

// entry returns metadata of a provider with that entity ID and idp's key.
func entry(entityID string, edits ...edit) []byte {
	doc := etree.NewDocument()
	check(doc.ReadFromBytes(idp.Metadata()))
	named(entityID, edits...)(doc.Root())
	raw, err := doc.WriteToBytes()
	check(err)
	return raw
}

// twoProviders returns an aggregate of two providers, edited before it is
// signed.
func twoProviders(edits ...edit) []byte {
	raw, err := authority().Aggregate(now, [][]byte{entry("https://a.example"), entry("https://b.example")}, edits...)
	check(err)
	return raw
}

func parse(raw []byte) (*spid.Aggregate, error) {
	return spid.ParseAggregate(raw, []spid.Fingerprint{authority().Signer()}, now)
}

// changed edits a document after it was signed.
func changed(raw []byte, edits ...edit) []byte {
	doc := etree.NewDocument()
	check(doc.ReadFromBytes(raw))
	all(edits...)(doc.Root())
	raw, err := doc.WriteToBytes()
	check(err)
	return raw
}

func entityIDs(providers spid.Providers) string {
	var ids []string
	for _, p := range providers {
		ids = append(ids, strings.TrimSuffix(strings.TrimPrefix(p.EntityID, "https://"), ".example"))
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func TestAggregate(t *testing.T) {
	t.Parallel()
	a, err := parse(changed(twoProviders(), func(root *etree.Element) {
		value := find(root, signature+"/ds:SignatureValue") // written in several lines
		value.SetText("\n\t" + value.Text()[:64] + " \n\t" + value.Text()[64:])
	}))
	if err != nil {
		t.Fatal(err)
	}
	if entityIDs(a.Providers) != "a b" || a.Faults != nil || !a.CreatedAt.Equal(now.Truncate(time.Second)) {
		t.Errorf("got %s, %v, created at %s", entityIDs(a.Providers), a.Faults, a.CreatedAt)
	}
	if p := a.Providers.Find("https://a.example"); !p.Certificates[0].Equal(provider.Certificates[0]) || p.RedirectURL == "" {
		t.Errorf("got %+v", p)
	}
}

// The signer can be any of several, for example while AgID changes its
// certificate.
func TestAggregateSigners(t *testing.T) {
	t.Parallel()
	for _, signers := range [][]spid.Fingerprint{
		{authority().Signer(), otherAuthority().Signer()}, {otherAuthority().Signer(), authority().Signer()},
	} {
		if _, err := spid.ParseAggregate(twoProviders(), signers, now); err != nil {
			t.Error(err)
		}
	}
	besides := changed(twoProviders(), func(root *etree.Element) {
		other := etree.NewElement("ds:X509Certificate")
		other.SetText(base64.StdEncoding.EncodeToString(provider.Certificates[0].Raw))
		find(root, signature+"/ds:KeyInfo/ds:X509Data").InsertChildAt(0, other)
	})
	if _, err := parse(besides); err != nil {
		t.Errorf("another certificate before the signer's: %v", err)
	}
	for _, signers := range [][]spid.Fingerprint{nil, {{}}, {otherAuthority().Signer()}, {spid.AgID}} {
		if a, err := spid.ParseAggregate(twoProviders(), signers, now); err == nil {
			t.Errorf("signed by another registry, but got %s", entityIDs(a.Providers))
		}
	}
}

// A federation three times as large as SPID's. Its aggregate has more elements
// than goxmldsig walks over.
func TestAggregateLarge(t *testing.T) {
	t.Parallel()
	a, err := parse(many(36))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Providers) != 36 || a.Faults != nil {
		t.Errorf("got %d providers and %v", len(a.Providers), a.Faults)
	}
}

// testdata/aggregate.xml was signed by xmlsec1 and is written like real
// aggregates: entries with their own signatures, namespaces declared again or
// by default, comments, line ends as character references, an expired
// certificate. The signer's certificate lists a policy twice, like AgID's, so
// crypto/x509 does not read it.
func TestAggregateSignedByXmlsec(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/aggregate.xml")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := spid.ParseFingerprint("CE:BC:D9:66:9E:6C:FF:EF:00:38:51:0C:AA:24:79:05:2F:95:91:96:A4:03:C9:80:77:E8:30:94:C7:3D:E7:6C")
	if err != nil {
		t.Fatal(err)
	}
	a, err := spid.ParseAggregate(raw, []spid.Fingerprint{signer}, now)
	if err != nil {
		t.Fatal(err)
	}
	if entityIDs(a.Providers) != "primo secondo" || len(a.Providers.Find("https://secondo.example").Certificates) != 2 {
		t.Errorf("got %s and %v", entityIDs(a.Providers), a.Faults)
	}
}

// One broken entry does not affect the others, and is reported.
func TestAggregateBrokenEntry(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]edit{
		"no certificate":    remove(keys),
		"not base64":        write(certificate, "***"),
		"not X.509":         write(certificate, "AAAA"),
		"no service":        all(onlyRedirect, remove(role+"/md:SingleSignOnService")),
		"bad service":       set(role+"/md:SingleSignOnService", "Location", "://"),
		"no role":           remove(role),
		"no entity ID":      unset("", "entityID"),
		"the ID of another": set("", "entityID", "https://b.example"),
		"bad validity":      set("", "validUntil", "domani"),
		"no longer valid":   set("", "validUntil", "2026-03-02T10:20:30Z"),
		"not in namespace":  func(el *etree.Element) { el.CreateAttr("xmlns:md", "urn:other") },
		"too many parts": func(el *etree.Element) {
			for range 2000 {
				find(el, role).CreateElement("md:NameIDFormat")
			}
		},
	} {
		raw, err := authority().Aggregate(now, [][]byte{
			entry("https://b.example"),
			entry("https://bad.example", broken),
			entry("https://c.example"),
		})
		if err != nil {
			t.Fatal(err)
		}
		a, err := parse(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if entityIDs(a.Providers) != "b c" {
			t.Errorf("%s: got %s", name, entityIDs(a.Providers))
		}
		if a.Faults == nil && name != "not in namespace" {
			t.Errorf("%s: no fault is reported", name)
		}
	}
	raw, err := authority().Aggregate(now, [][]byte{
		entry("https://a.example", remove(keys)),
		entry("https://b.example", set("", "validUntil", "2026-01-01T00:00:00Z")),
	})
	check(err)
	if _, err := parse(raw); err == nil || !strings.Contains(err.Error(), "a.example") || !strings.Contains(err.Error(), "b.example") {
		t.Errorf("an aggregate without a usable provider: %v", err)
	}
}

func TestAggregateValidity(t *testing.T) {
	t.Parallel()
	group := func(until string) edit { // the first provider in its own group
		return func(root *etree.Element) {
			child := find(root, "md:EntityDescriptor")
			g := root.CreateElement("md:EntitiesDescriptor")
			g.CreateAttr("validUntil", until)
			g.AddChild(child)
		}
	}
	const past, soon, bad = "2026-03-02T10:20:30.678Z", "2026-03-02T10:20:31Z", "2026-03-02"
	for name, test := range map[string]struct {
		edit edit
		want string // empty: refused
	}{
		"still valid":                 {set("", "validUntil", soon), "a b"},
		"other time zone":             {set("", "validUntil", "2026-03-02T11:20:31+01:00"), "a b"},
		"no longer valid":             {set("", "validUntil", past), ""},
		"validity unreadable":         {set("", "validUntil", bad), ""},
		"group still valid":           {group(soon), "a b"},
		"group not valid":             {group(past), "b"},
		"group unreadable":            {group(bad), "b"},
		"group valid, list not valid": {all(group(soon), set("", "validUntil", past)), ""},
		"cached a day":                {set("", "cacheDuration", "P1D"), "a b"},
		"cache duration unreadable":   {set("", "cacheDuration", "1 giorno"), ""},
		"made tomorrow":               {set("md:Extensions/mdrpi:PublicationInfo", "creationInstant", "2026-03-03T10:20:00Z"), "a b"},
		"made too far in the future":  {set("md:Extensions/mdrpi:PublicationInfo", "creationInstant", "2026-03-03T10:21:00Z"), ""},
		"creation time unreadable":    {set("md:Extensions/mdrpi:PublicationInfo", "creationInstant", "ieri"), ""},
		"no creation time":            {remove("md:Extensions"), "a b"},
	} {
		a, err := parse(twoProviders(test.edit))
		if (test.want == "") != (err != nil) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "no longer valid" && !strings.Contains(err.Error(), "providers: was valid until 2026-03-02T10:20:30Z") {
			t.Errorf("%s: the error does not say it: %v", name, err)
		}
		if err == nil && entityIDs(a.Providers) != test.want {
			t.Errorf("%s: got %s, want %s", name, entityIDs(a.Providers), test.want)
		}
	}
}

// many returns the aggregate of n providers with two keys each and with the
// elements that real entries have, about 11 kB each.
func many(n int) []byte {
	var metadata [][]byte
	for i := range n {
		metadata = append(metadata, entry(fmt.Sprintf("https://idp-%d.example", i), withKeyOf(impostor), likeReal))
	}
	raw, err := authority().Aggregate(now, metadata)
	check(err)
	return raw
}

func likeReal(el *etree.Element) {
	r := find(el, role)
	r.AddChild(find(el, keys).Copy())
	for _, name := range []string{"spidCode", "name", "familyName", "fiscalNumber", "dateOfBirth", "email", "address", "gender",
		"companyName", "ivaCode", "placeOfBirth", "countyOfBirth", "idCard", "mobilePhone", "digitalAddress", "expirationDate"} {
		attribute := r.CreateElement("saml:Attribute")
		attribute.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
		attribute.CreateAttr("Name", name)
		attribute.CreateAttr("NameFormat", "urn:oasis:names:tc:SAML:2.0:attrname-format:basic")
	}
	for _, lang := range []string{"it", "en", "fr", "de"} {
		for _, tag := range []string{"OrganizationName", "OrganizationDisplayName", "OrganizationURL"} {
			child := find(el, "md:Organization").CreateElement("md:" + tag)
			child.CreateAttr("xml:lang", lang)
			child.SetText("https://www.identita.example/" + lang)
		}
	}
}

func BenchmarkAggregate(b *testing.B) {
	for _, n := range []int{12, 100} {
		raw := many(n)
		b.Run(fmt.Sprintf("%d-providers", n), func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if _, err := parse(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
