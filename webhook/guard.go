package webhook

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
)

// special are networks that are not public: those in IANA's registries of
// special-purpose addresses (RFC 6890), and those whose addresses embed an IPv4
// address, because the embedded address would not be checked. All IPv6 addresses
// outside global are not public.
var (
	global  = netip.MustParsePrefix("2000::/3")
	special = prefixes(
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"2001::/23",     // protocols, including Teredo
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4
		"3fff::/20",     // documentation
	)
)

func prefixes(all ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(all))
	for i, p := range all {
		parsed[i] = netip.MustParsePrefix(p)
	}
	return parsed
}

// An AddressError is returned for an address to which nothing is sent.
type AddressError struct {
	Address netip.Addr
	Plain   bool // sending is allowed over https only
}

func (e *AddressError) Error() string {
	if e.Plain {
		return fmt.Sprintf("%s gets no events without encryption: want https", e.Address)
	}
	return fmt.Sprintf("%s is not a public address, and STELLA_WEBHOOK_ALLOW does not name it", e.Address)
}

// urlError describes what is wrong with a URL.
type urlError string

func (e urlError) Error() string { return string(e) }

// permit returns an AddressError if nothing may be sent to an address. Addresses
// in allow are always permitted, other public addresses only if plain is false.
// plain means http without TLS.
func permit(a netip.Addr, allow []netip.Prefix, plain bool) error {
	a = a.Unmap()
	if in(a, allow) {
		return nil
	}
	if in(a, special) || a.Is6() && !global.Contains(a) || a.Zone() != "" {
		return &AddressError{Address: a}
	}
	if plain {
		return &AddressError{Address: a, Plain: true}
	}
	return nil
}

func in(a netip.Addr, all []netip.Prefix) bool {
	for _, p := range all {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// guard returns a function that net.Dialer calls for each address before it
// connects. It checks the address that is dialled, so a DNS name that resolves to
// another address later cannot bypass the check.
func guard(allow []netip.Prefix, plain bool) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return permit(to.Addr(), allow, plain)
	}
}

// CheckURL returns an error if the URL of a webhook is not acceptable. It does not
// resolve DNS names: the address is checked each time an event is sent.
func CheckURL(raw string, allow []netip.Prefix) error {
	_, err := parseURL(raw, allow)
	return err
}

func parseURL(raw string, allow []netip.Prefix) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || len(raw) > maxURL {
		return nil, urlError(fmt.Sprintf("%q is not a URL such as https://webmail.example/hooks", shortened(raw)))
	}
	switch {
	case u.Scheme == "http" && len(allow) == 0:
		return nil, urlError("want https: http is for addresses that STELLA_WEBHOOK_ALLOW names")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, urlError("want https, not " + u.Scheme)
	case u.User != nil:
		return nil, urlError("a URL with a user or a password: it is not needed, because each request is signed")
	case u.Fragment != "":
		return nil, urlError("a URL with a fragment, which is not sent")
	}
	if p := u.Port(); p != "" {
		// Other services use the ports below 1024, and some of them execute commands
		// that a request could contain.
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n < 1024 && n != 443 && n != 80 {
			return nil, urlError("port " + p + ": want 443, 80 or one above 1023")
		}
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		return u, permit(a, allow, u.Scheme == "http")
	}
	return u, nil
}

// maxURL is the length in bytes that all browsers accept.
const maxURL = 2000

func shortened(raw string) string {
	if len(raw) > 100 {
		return raw[:100] + "…"
	}
	return raw
}
