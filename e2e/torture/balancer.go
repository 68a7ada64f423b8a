package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
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
	http.Transport
}

type backend struct {
	address string
	ready   atomic.Bool
}

const (
	checkInterval = 100 * time.Millisecond
	checkTimeout  = time.Second
	maxBody       = 1 << 20
)

func newBalancer(ctx context.Context, addresses []string) *balancer {
	b := &balancer{Transport: http.Transport{DisableKeepAlives: true}}
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
	answer, err := b.RoundTrip(r)
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

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var answer *http.Response
	for _, one := range b.choose() {
		if answer, err = b.forward(r, body, one); !refused(err) {
			break
		}
		one.ready.Store(false)
	}
	if err != nil {
		http.Error(w, noInstanceText, http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(w, answer.Body); err != nil {
		panic(http.ErrAbortHandler) // an incomplete page must not look complete
	}
}

// noInstanceText is the text of the balancer's own error page.
const noInstanceText = "the balancer has no answer"

func (b *balancer) forward(r *http.Request, body []byte, to *backend) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = "http", to.address, ""
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if len(body) == 0 {
		out.Body = http.NoBody
	}
	return b.RoundTrip(out)
}

// refused reports whether the connection was refused, so that nothing was sent.
func refused(err error) bool {
	var dialing *net.OpError
	return errors.As(err, &dialing) && dialing.Op == "dial"
}
