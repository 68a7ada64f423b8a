package spid_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"stella/spid"
	"stella/spid/spidtest"
)

// A rotation is a provider that changes its key, and a service provider that
// people log in to meanwhile.
type rotation struct {
	*federation
	sp  *spid.ServiceProvider
	idp *spidtest.Provider
}

func newRotation(t testing.TB) *rotation {
	t.Helper()
	// A request is made after the change before it, and before the next.
	clock := &movable{t: now, tick: time.Millisecond}
	r := &rotation{federation: followBy(t, clock), sp: new(spid.ServiceProvider), idp: newIDP("https://idp.example", clock.now)}
	*r.sp = *sp
	r.sp.Now = clock.now
	r.publish(t, r.idp.Metadata())
	r.refresh(t)
	return r
}

func (r *rotation) begin(t testing.TB) spid.Request {
	t.Helper()
	req, _, err := r.sp.Login(r.Providers().Find("https://idp.example"), spid.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func (r *rotation) answer(t testing.TB, req spid.Request) string {
	t.Helper()
	answer, err := r.idp.Answer(req, anna)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// end verifies an answer as a web server does.
func (r *rotation) end(t testing.TB, req spid.Request, answer string) {
	t.Helper()
	response, err := spid.Open(answer)
	if err != nil {
		t.Fatal(err)
	}
	p := r.Find(req.Provider, req.IssuedAt)
	_, err = r.sp.Verify(response, req.RelayState, req, p)
	var rejection *spid.Rejection
	if errors.As(err, &rejection) && rejection.Reason == spid.ReasonSignatureInvalid {
		if renewed, err := r.RefreshFor(t.Context(), req.Provider, p); err != nil || !renewed {
			t.Errorf("renewed is %t: %v", renewed, err)
		}
		_, err = r.sp.Verify(response, req.RelayState, req, r.Find(req.Provider, req.IssuedAt))
	}
	if err != nil {
		t.Errorf("a login failed: %v", err)
	}
}

// A provider's key is rotated while logins are under way: none fails.
func TestRotation(t *testing.T) {
	t.Parallel()
	r := newRotation(t)
	// Others began at each step, and two of each go on at each later one: who was
	// answered at once and who is answered only then.
	type pending struct {
		req    spid.Request
		answer string
	}
	var begun []pending
	step := func(change func()) {
		var wg sync.WaitGroup
		for range 4 { // amid the change
			wg.Go(func() {
				req := r.begin(t)
				r.end(t, req, r.answer(t, req))
			})
		}
		change()
		wg.Wait()
		for _, p := range begun {
			r.end(t, p.req, p.answer)
			r.end(t, p.req, r.answer(t, p.req))
		}
		req := r.begin(t)
		begun = append(begun, pending{req, r.answer(t, req)})
	}
	rotate := func() { check(r.idp.Rotate()) }
	publish := func() { r.publish(t, r.idp.Metadata()) }
	refresh := func() { r.refresh(t) }
	step(func() {})
	step(rotate) // lists the key to come
	step(publish)
	step(refresh)
	step(rotate) // signs with it
	step(rotate) // lists the former no more
	step(publish)
	step(refresh)
	if n := r.published.Fetched(); n != 3 {
		t.Errorf("there were %d fetches, want 3", n)
	}
}

// The provider signs with a key of which our copy of the aggregate knows
// nothing: the copy is fetched anew, once for all those who come back.
func TestRotationUnknown(t *testing.T) {
	t.Parallel()
	r := newRotation(t)
	var requests []spid.Request
	for range 8 {
		requests = append(requests, r.begin(t))
	}
	answered := r.answer(t, requests[0]) // by the old key, and long on its way
	for range 3 {
		check(r.idp.Rotate())
	}
	r.publish(t, r.idp.Metadata())
	var wg sync.WaitGroup
	for _, req := range requests {
		wg.Go(func() { r.end(t, req, r.answer(t, req)) })
	}
	wg.Wait()
	r.end(t, requests[0], answered)
	if n := r.published.Fetched(); n != 2 {
		t.Errorf("there were %d fetches, want 2", n)
	}
}
