package webhook_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"stella/client"
	"stella/store/storetest"
	"stella/webhook"
	"stella/workflow"
)

func TestURLsOfWebhooks(t *testing.T) {
	t.Parallel()
	allow := []netip.Prefix{netip.MustParsePrefix("10.1.2.0/24"), netip.MustParsePrefix("fd00:1::/64")}
	for url, want := range map[string]string{
		"https://webmail.example/hooks":            "",
		"https://webmail.example:8443/hooks?a=b":   "",
		"https://webmail.example:443":              "",
		"https://8.8.8.8/":                         "",
		"https://[2606:4700::1111]/":               "",
		"https://10.1.2.3/":                        "",
		"http://10.1.2.3:8080/":                    "",
		"http://[fd00:1::7]/":                      "",
		"http://inside.example/":                   "", // the address is checked when an event is sent
		"http://8.8.8.8/":                          "gets no events without encryption",
		"https://10.1.3.1/":                        "not a public address",
		"https://127.0.0.1/":                       "not a public address",
		"https://0.0.0.0/":                         "not a public address",
		"https://169.254.169.254/latest/meta-data": "not a public address",
		"https://192.168.1.1/":                     "not a public address",
		"https://172.31.255.255/":                  "not a public address",
		"https://100.64.0.1/":                      "not a public address",
		"https://224.0.0.1/":                       "not a public address",
		"https://255.255.255.255/":                 "not a public address",
		"https://198.19.0.1/":                      "not a public address",
		"https://[::]/":                            "not a public address",
		"https://[::1]/":                           "not a public address",
		"https://[::ffff:127.0.0.1]/":              "not a public address",
		"https://[::ffff:10.1.3.1]/":               "not a public address",
		"https://[::ffff:8.8.8.8]/":                "",
		"https://[::127.0.0.1]/":                   "not a public address",
		"https://[64:ff9b::7f00:1]/":               "not a public address",
		"https://[64:ff9b:1::a00:1]/":              "not a public address",
		"https://[2002:7f00:1::]/":                 "not a public address",
		"https://[2001::1]/":                       "not a public address",
		"https://[2001:db8::1]/":                   "not a public address",
		"https://[fe80::1]/":                       "not a public address",
		"https://[fe80::1%25eth0]/":                "not a public address",
		"https://[fc00::1]/":                       "not a public address",
		"https://[ff02::1]/":                       "not a public address",
		"https://user:secret@webmail.example/":     "a user or a password",
		"https://webmail.example/#there":           "a fragment",
		"https://webmail.example:25/":              "port 25",
		"https://webmail.example:0/":               "port 0",
		"https://webmail.example:70000/":           "port 70000",
		"ftp://webmail.example/":                   "want https, not ftp",
		"file:///etc/passwd":                       "not a URL",
		"javascript:alert(1)":                      "not a URL",
		"https://":                                 "not a URL",
		"https:webmail.example":                    "not a URL",
		"webmail.example/hooks":                    "not a URL",
		"":                                         "not a URL",
		"https://webmail.example/\x00":             "not a URL",
		"https://" + strings.Repeat("a", 3000):     "not a URL",
	} {
		err := webhook.CheckURL(url, allow)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error contains the password: %v", err)
		}
	}
	if err := webhook.CheckURL("http://inside.example/", nil); err == nil {
		t.Error("http is accepted although no network is allowed")
	}
}

// dnsServer answers each query with the next of its addresses, and then always
// with the last one.
type dnsServer struct {
	mu        sync.Mutex
	addresses []string
	queries   int
}

func (n *dnsServer) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	storetest.Must(t, err)
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:size]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: n.next()},
				}}
			}
			if answer, err := m.Pack(); err == nil {
				conn.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (n *dnsServer) next() [4]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.addresses[min(n.queries, len(n.addresses)-1)]
	n.queries++
	return netip.MustParseAddr(a).As4()
}

// A name that first resolves to a permitted address and later to an address in the
// provider's own network (DNS rebinding): nothing is sent to the second address.
func TestDNSRebindingIsPrevented(t *testing.T) {
	t.Parallel()
	var good, inside atomic.Int64
	listen := func(address string, n *atomic.Int64) string {
		l, err := net.Listen("tcp", address)
		storetest.Must(t, err)
		s := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.Add(1) })}
		go s.Serve(l)
		t.Cleanup(func() { s.Close() })
		return l.Addr().String()
	}
	// 127.0.0.2 represents the permitted address, and 127.0.0.1 the one inside.
	_, port, _ := net.SplitHostPort(listen("127.0.0.2:0", &good))
	listen("127.0.0.1:"+port, &inside)
	n := &dnsServer{addresses: []string{"127.0.0.2", "127.0.0.1"}}
	c := &webhook.Deliverer{
		Keys:     storetest.Keys,
		Allow:    []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")},
		Resolver: n.resolver(t),
	}
	w := workflow.Webhook{URL: "http://receiver.test.:" + port + "/", Nonce: []byte("a nonce of bytes")}
	send := func() webhook.Result {
		return c.Send(t.Context(), w, client.Event{ID: "1", Type: client.EventTest}, time.Now())
	}
	if a := send(); a.Status != 200 || good.Load() != 1 {
		t.Fatalf("the first request: %v", a)
	}
	if a := send(); a.Delivered() || !strings.Contains(a.String(), "127.0.0.1 is not a public address") {
		t.Errorf("the second request: %v", a)
	}
	if inside.Load() != 0 {
		t.Errorf("the address inside got %d requests", inside.Load())
	}
}
