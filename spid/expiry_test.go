package spid_test

import (
	"crypto/x509"
	"testing"
	"time"

	"stella/spid"
)

func TestExpiries(t *testing.T) {
	t.Parallel()
	ending := func(d time.Duration) *x509.Certificate {
		return &x509.Certificate{Raw: []byte(d.String()), NotAfter: now.Add(d)}
	}
	const day = 24 * time.Hour
	providers := spid.Providers{
		{EntityID: "https://a.example", Certificates: []*x509.Certificate{ending(15 * day), ending(-time.Second)}},
		{EntityID: "https://b.example", Certificates: []*x509.Certificate{ending(61*day - time.Second)}},
		{EntityID: "https://c.example", Certificates: []*x509.Certificate{ending(61 * day), ending(16 * day), ending(31 * day)}},
	}
	own := &spid.ServiceProvider{EntityID: "https://sp.example", Certificate: ending(time.Hour), Other: ending(1000 * day)}
	want := []struct {
		owner           string
		days, threshold int
		near            bool
	}{
		{"https://a.example", -1, 0, true},
		{"https://sp.example", 0, 15, true},
		{"https://a.example", 15, 15, true},
		{"https://c.example", 16, 30, true},
		{"https://c.example", 31, 60, true},
		{"https://b.example", 60, 60, true},
		{"https://c.example", 61, 0, false},
		{"https://sp.example", 1000, 0, false},
	}
	got := spid.Expiries(own, providers, now)
	if len(got) != len(want) {
		t.Fatalf("got %d, want %d", len(got), len(want))
	}
	for i, w := range want {
		threshold, near := got[i].Near()
		if got[i].Owner != w.owner || got[i].Days != w.days || threshold != w.threshold || near != w.near {
			t.Errorf("expiry %d: got %s, %d days, threshold %d (%t), want %+v", i, got[i].Owner, got[i].Days, threshold, near, w)
		}
	}
	own.Other = nil
	if n := len(spid.Expiries(own, nil, now)); n != 1 {
		t.Errorf("got %d without a second certificate, want 1", n)
	}
}
