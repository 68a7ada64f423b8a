package middleware

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestClientAddress(t *testing.T) {
	t.Parallel()
	a := &addresses{
		proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
		log:     slog.New(slog.DiscardHandler),
	}
	for _, c := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"198.51.100.7:4000", nil, "198.51.100.7"},
		{"198.51.100.7:4000", []string{"203.0.113.9"}, "198.51.100.7"}, // not sent by a proxy
		{"10.0.0.1:4000", nil, "10.0.0.1"},
		{"10.0.0.1:4000", []string{"203.0.113.9"}, "203.0.113.9"},
		{"10.0.0.1:4000", []string{"1.1.1.1, 203.0.113.9"}, "203.0.113.9"}, // the first was sent by the client
		{"10.0.0.1:4000", []string{"1.1.1.1", "203.0.113.9"}, "203.0.113.9"},
		{"10.0.0.1:4000", []string{"1.1.1.1, 203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		{"10.0.0.1:4000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"10.0.0.1:4000", []string{"1.1.1.1, nonsense"}, "10.0.0.1"},
		{"10.0.0.1:4000", []string{"203.0.113.9:51234"}, "203.0.113.9"},
		{"10.0.0.1:4000", []string{"1.1.1.1:80, 203.0.113.9:51234, 10.0.0.9:443"}, "203.0.113.9"},
		{"10.0.0.1:4000", []string{"203.0.113.9, 10.0.0.9:443"}, "203.0.113.9"},
		{"10.0.0.1:4000", []string{"203.0.113.9, , 10.0.0.9 ", ""}, "203.0.113.9"},
		{"10.0.0.1:4000", []string{"203.0.113.9", "10.0.0.9:443"}, "203.0.113.9"},
		{"10.0.0.1:4000", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"10.0.0.1:4000", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"10.0.0.1:4000", []string{"[::ffff:203.0.113.9]:443"}, "203.0.113.9"},
		{"10.0.0.1:4000", []string{"fe80::1%eth0"}, "fe80::1"},
		{"10.0.0.1:4000", []string{"203.0.113.9:port"}, "10.0.0.1"},
		{"10.0.0.1:4000", []string{"client.example:443"}, "10.0.0.1"},
		{"10.0.0.1:4000", []string{"unknown"}, "10.0.0.1"},
		{"[::ffff:10.0.0.1]:4000", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"[fd00::1]:4000", []string{"2001:db8::1"}, "2001:db8::1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := a.of(r); got.String() != c.want {
			t.Errorf("from %s for %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
	if got := a.of(&http.Request{RemoteAddr: "@"}); got.IsValid() {
		t.Errorf("a connection without an address has the address %s", got)
	}
}

// If a proxy sends no addresses, all its clients share one limit. That is logged,
// but only once.
func TestMalformedForwardedForIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := &addresses{
		proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		log:     slog.New(slog.NewTextHandler(&log, nil)),
	}
	ask := func(peer, forwarded string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", forwarded)
		a.of(r)
	}
	ask("198.51.100.7:4000", "unknown") // not sent by a proxy
	ask("10.0.0.1:4000", "")
	ask("10.0.0.1:4000", "unknown, 203.0.113.9") // elements before the client's address are not read
	if log.Len() > 0 {
		t.Errorf("the log is not empty: %s", log.String())
	}
	for range 3 {
		ask("10.0.0.1:4000", "203.0.113.9, unknown")
	}
	got := log.String()
	if strings.Count(got, "\n") != 1 || !strings.Contains(got, "X-Forwarded-For") ||
		!strings.Contains(got, "proxy=10.0.0.1 part=unknown") {
		t.Errorf("the log is %s", got)
	}
}
