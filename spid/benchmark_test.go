package spid_test

import (
	"encoding/xml"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"stella/spid"
)

// The benchmarks verify the same answer of about 7 kB with two signatures: with
// package spid, only its signatures with goxmldsig, and with crewjam/saml. Run
// them with GOMAXPROCS=1.

func BenchmarkVerify(b *testing.B) {
	o := newObserver(b)
	answer := o.answer(idp)
	b.Logf("%d bytes", len(unpack(answer)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.verify(answer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	answer := issued()(newObserver(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := spid.Open(answer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGoxmldsig(b *testing.B) {
	answer := issued()(newObserver(b))
	context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: provider.Certificates})
	context.Clock = dsig.NewFakeClockAt(now)
	validate := func(el *etree.Element) *etree.Element {
		signed, err := context.Validate(el)
		if err != nil {
			b.Fatal(err)
		}
		return signed
	}
	b.Run("response", func(b *testing.B) {
		root := tree(answer)
		b.ReportAllocs()
		for b.Loop() {
			validate(root)
		}
	})
	b.Run("both", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			response := validate(tree(answer))
			assertion, err := etreeutils.NSSelectOne(response, "urn:oasis:names:tc:SAML:2.0:assertion", "Assertion")
			if err != nil {
				b.Fatal(err)
			}
			validate(assertion)
		}
	})
}

func BenchmarkCrewjam(b *testing.B) {
	o := newObserver(b)
	answer := []byte(unpack(o.answer(idp)))
	saml.TimeNow, saml.Clock = clock, dsig.NewFakeClockAt(now)
	acs, err := url.Parse(sp.ACSURL)
	check(err)
	theirs := saml.ServiceProvider{EntityID: sp.EntityID, AcsURL: *acs, IDPMetadata: new(saml.EntityDescriptor)}
	check(xml.Unmarshal(idp.Metadata(), theirs.IDPMetadata))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := theirs.ParseXMLResponse(answer, []string{o.req.ID}, *acs); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHostile measures the CPU time of the process for refusing answers
// that were not signed by a provider.
func BenchmarkHostile(b *testing.B) {
	for _, a := range append(hostile(), attack{name: "a genuine answer", forge: issued()}) {
		b.Run(a.name, func(b *testing.B) {
			o := newObserver(b)
			answer := a.forge(o)
			before, n := cpuTime(b), 0
			for b.Loop() {
				_, _ = o.verify(answer)
				n++
			}
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(n), "cpu-µs/op")
			b.ReportMetric(float64(len(answer)), "bytes")
		})
	}
}

func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
