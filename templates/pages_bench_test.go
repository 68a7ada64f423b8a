package templates

import (
	"io"
	"testing"
)

// BenchmarkPages renders the pages of a qualification.
func BenchmarkPages(b *testing.B) {
	all, err := New(site)
	if err != nil {
		b.Fatal(err)
	}
	var way []sample
	for _, s := range samples("it") {
		switch s.name() {
		case "start", "holder_choice", "introduction", "holder_kind", "contact_data", "summary", "identification",
			"providers", "login_post", "identified", "contract", "code", "qualified":
			way = append(way, s)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range way {
			if err := all.Page(io.Discard, s.page, s.Page); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(way)), "ns/page")
}
