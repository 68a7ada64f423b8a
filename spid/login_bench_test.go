package spid_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"stella/spid"
)

// BenchmarkBareSignature is the reference for BenchmarkLogin.
func BenchmarkBareSignature(b *testing.B) {
	for b.Loop() {
		bareSignature(b)
	}
}

func bareSignature(b *testing.B) {
	digest := sha256.Sum256([]byte("a request"))
	if _, err := sp.Key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLogin makes requests and bare signatures alternately, so that both
// run under the same load. It reports the ratio of their medians. At most 1.1
// is expected, because a request contains one RSA signature.
func BenchmarkLogin(b *testing.B) {
	for name, options := range map[string]spid.LoginOptions{"redirect": {}, "post": {Post: true}} {
		b.Run(name, func(b *testing.B) {
			var bare, login []time.Duration
			for b.Loop() {
				start := time.Now()
				bareSignature(b)
				middle := time.Now()
				if _, _, err := sp.Login(provider, options); err != nil {
					b.Fatal(err)
				}
				bare, login = append(bare, middle.Sub(start)), append(login, time.Since(middle))
			}
			slices.Sort(bare)
			slices.Sort(login)
			median := login[len(login)/2]
			b.ReportMetric(float64(median)/float64(bare[len(bare)/2]), "signatures/request")
			b.ReportMetric(float64(median.Nanoseconds()), "ns/request")
		})
	}
}
