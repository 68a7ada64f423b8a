package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"sync/atomic"
	"time"
)

// A balancer is a simple load balancer. It checks several times a second if each
// instance is ready, and distributes requests to those that are. If none is, it
// uses all of them, so that people see Stella's error page instead of the
// balancer's. It never sends a request twice: it tries another instance only if
// the first one refused the connection, as nginx and HAProxy do.
type balancer struct {
	backends []*backend
	next     atomic.Uint32
	httputil.ReverseProxy
}

type backend struct {
	address string
	ready   atomic.Bool
}

const (
	checkInterval = 100 * time.Millisecond
	checkTimeout  = time.Second
)

// noInstanceText is the text of the balancer's own error page.
const noInstanceText = "the balancer has no answer"

func newBalancer(ctx context.Context, addresses []string) *balancer {
	b := &balancer{}
	b.ReverseProxy = httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		},
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: b.dial}, // a connection for each request
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, noInstanceText, http.StatusBadGateway)
		},
		ErrorLog: log.New(io.Discard, "", 0), // a fault interrupts many answers
	}
	for _, a := range addresses {
		one := &backend{address: a}
		b.backends = append(b.backends, one)
		go b.watch(ctx, one)
	}
	return b
}

// watch checks one instance until ctx ends.
func (b *balancer) watch(ctx context.Context, one *backend) {
	for ctx.Err() == nil {
		one.ready.Store(b.isReady(ctx, one.address))
		pause(ctx, checkInterval)
	}
}

// isReady reports whether an instance answers 200 to /readyz.
func (b *balancer) isReady(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return false
	}
	r.Close = true
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// choose returns the instances in the order in which to try them.
func (b *balancer) choose() []*backend {
	first := int(b.next.Add(1))
	var ready, all []*backend
	for i := range b.backends {
		one := b.backends[(first+i)%len(b.backends)]
		all = append(all, one)
		if one.ready.Load() {
			ready = append(ready, one)
		}
	}
	if len(ready) > 0 {
		return ready
	}
	return all
}

// dial connects to the first instance that does not refuse the connection.
func (b *balancer) dial(ctx context.Context, network, _ string) (conn net.Conn, err error) {
	for _, one := range b.choose() {
		if conn, err = new(net.Dialer).DialContext(ctx, network, one.address); err == nil {
			return conn, nil
		}
		one.ready.Store(false)
	}
	return nil, err
}
