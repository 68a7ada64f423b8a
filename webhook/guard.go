package webhook

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
)

// special are addresses that are not public: those of IANA's registries of
// special-purpose addresses (RFC 6890), and those that embed an IPv4 address, which
// nobody would look at. Of IPv6 nothing outside of global is public.
var (
	global  = netip.MustParsePrefix("2000::/3")
	special = prefixes(
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"2001::/23",     // protocols, Teredo among them
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

// An AddressError is returned for an address that nothing is sent to.
type AddressError struct {
	Address netip.Addr
	Plain   bool // it might be sent to, but not in clear
}

func (e *AddressError) Error() string {
	if e.Plain {
		return fmt.Sprintf("%s is not sent to in clear: want https", e.Address)
	}
	return fmt.Sprintf("%s is no public address, and STELLA_WEBHOOK_ALLOW does not name it", e.Address)
}

// urlError says what is wrong with a URL.
type urlError string

func (e urlError) Error() string { return string(e) }

// permit returns an AddressError unless an address may be sent to; in clear,
// only if it is allowed by name.
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

// guard looks at the address that is being dialled, whatever a name resolved to
// before: it is called by net.Dialer for each.
func guard(allow []netip.Prefix, plain bool) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return permit(to.Addr(), allow, plain)
	}
}

// CheckURL says what is wrong with the URL of a webhook. Where a name leads is
// only known when something is sent, and looked at each time.
func CheckURL(raw string, allow []netip.Prefix) error {
	_, err := parseURL(raw, allow)
	return err
}

func parseURL(raw string, allow []netip.Prefix) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || len(raw) > maxURL {
		return nil, urlError(fmt.Sprintf("%q is no URL such as https://webmail.example/hooks", shortened(raw)))
	}
	switch {
	case u.Scheme == "http" && len(allow) == 0:
		return nil, urlError("want https: http is for addresses that STELLA_WEBHOOK_ALLOW names")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, urlError("want https, not " + u.Scheme)
	case u.User != nil:
		return nil, urlError("a URL with a user or a password: nobody needs them, each request is signed")
	case u.Fragment != "":
		return nil, urlError("a URL with a fragment, which is not sent")
	}
	if p := u.Port(); p != "" {
		// Other services have their ports below, and some of them take orders from
		// whatever is sent to them.
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

// maxURL is as long as browsers take.
const maxURL = 2000

func shortened(raw string) string {
	if len(raw) > 100 {
		return raw[:100] + "…"
	}
	return raw
}
