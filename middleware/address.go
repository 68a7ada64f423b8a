package middleware

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// addresses finds the addresses of clients.
type addresses struct {
	proxies   []netip.Prefix
	log       *slog.Logger
	malformed sync.Once // logs a malformed X-Forwarded-For
}

// of returns the address of the client of a request: that of the connection, or, if it
// is one of the proxies, the last address in X-Forwarded-For that is not. It stops at an
// element that is not an address, and returns the proxy that sent it. The result is
// invalid if the connection has no address.
func (a *addresses) of(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if hop = strings.TrimSpace(hop); hop == "" {
			continue
		}
		if !a.isProxy(address) {
			break
		}
		before, err := parseHop(hop)
		if err != nil {
			a.malformed.Do(func() {
				a.log.WarnContext(r.Context(),
					"X-Forwarded-For names no address: people have the limits of the proxy, as one network; this is logged once",
					"proxy", address, "part", hop[:min(len(hop), 60)])
			})
			break
		}
		address = before
	}
	return address
}

// parseHop parses one element of X-Forwarded-For. Some proxies add a port, or
// brackets.
func parseHop(hop string) (netip.Addr, error) {
	if with, err := netip.ParseAddrPort(hop); err == nil {
		return with.Addr().WithZone("").Unmap(), nil
	}
	if inside, found := strings.CutPrefix(hop, "["); found {
		hop = strings.TrimSuffix(inside, "]")
	}
	address, err := netip.ParseAddr(hop)
	return address.WithZone("").Unmap(), err
}

func (a *addresses) isProxy(address netip.Addr) bool {
	return slices.ContainsFunc(a.proxies, func(p netip.Prefix) bool { return p.Contains(address) })
}
