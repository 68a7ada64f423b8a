package middleware

import (
	"context"
	"crypto/rand"
	"net/netip"
)

type key struct{}

// info is what is known about a request, and what its handlers record about it.
type info struct {
	id      string
	address netip.Addr
	client  string // name of the API client; empty until it is authenticated, and for pages
	reason  string // why the request is refused; empty if it is not
	err     error
}

func newInfo(address netip.Addr) *info { return &info{id: rand.Text()[:16], address: address} }

// infoOf returns an empty info for a context without one.
func infoOf(ctx context.Context) *info {
	if i, ok := ctx.Value(key{}).(*info); ok {
		return i
	}
	return &info{}
}

// ID returns the ID of the request that a context belongs to, which is in every log
// line of the request. It is empty outside a request.
func ID(ctx context.Context) string { return infoOf(ctx).id }

// Address returns the address of the client of a request. It is invalid if the
// connection has none, and outside a request.
func Address(ctx context.Context) netip.Addr { return infoOf(ctx).address }

// Refuse records why a request is refused. The reason is the label of a metric:
// use one of a small fixed set, such as "no_token". err is only logged, and may
// be nil.
func Refuse(ctx context.Context, reason string, err error) {
	i := infoOf(ctx)
	i.reason, i.err = reason, err
}

// By records which client of the API makes a request.
func By(ctx context.Context, client string) { infoOf(ctx).client = client }
