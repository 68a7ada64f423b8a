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

// A balancer stands before the instances, as simple as they come. It asks each
// a few times a second whether it is ready, and hands requests round those that
// are; when none is, round all, so that people read Stella's page rather than
// its own. It sends nothing twice: a request goes to another instance only where
// the first refused the connection, as with nginx and HAProxy.
type balancer struct {
	backends []*backend
	turn     atomic.Uint32
	http.Transport
}

type backend struct {
	address string
	ready   atomic.Bool
}

const (
	askEvery  = 100 * time.Millisecond
	askWithin = time.Second
	maxBody   = 1 << 20
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

// watch asks one instance whether it is ready.
func (b *balancer) watch(ctx context.Context, one *backend) {
	for ctx.Err() == nil {
		one.ready.Store(b.asks(ctx, one.address))
		pause(ctx, askEvery)
	}
}

func (b *balancer) asks(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
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

// choose returns the instances in the order in which they are to be tried.
func (b *balancer) choose() []*backend {
	first := int(b.turn.Add(1))
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
		http.Error(w, balancersOwn, http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(w, answer.Body); err != nil {
		panic(http.ErrAbortHandler) // half a page must not look whole
	}
}

// balancersOwn is the text of an answer that no instance gave.
const balancersOwn = "the balancer has no answer"

func (b *balancer) forward(r *http.Request, body []byte, to *backend) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = "http", to.address, ""
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if len(body) == 0 {
		out.Body = http.NoBody
	}
	return b.RoundTrip(out)
}

// refused tells a connection that was not made: nothing was sent on it.
func refused(err error) bool {
	var dialing *net.OpError
	return errors.As(err, &dialing) && dialing.Op == "dial"
}
