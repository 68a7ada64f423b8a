package spid_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"stella/spid"
	"stella/spid/spidtest"
)

// A rotation is a provider that changes its key while users log in to a service
// provider.
type rotation struct {
	*federation
	sp  *spid.ServiceProvider
	idp *spidtest.Provider
}

func newRotation(t testing.TB) *rotation {
	t.Helper()
	// The tick places each request after the preceding change and before the next.
	clock := &fakeClock{t: now, tick: time.Millisecond}
	r := &rotation{federation: followWithClock(t, clock), sp: new(spid.ServiceProvider), idp: newIDP("https://idp.example", clock.now)}
	*r.sp = *sp
	r.sp.Now = clock.now
	r.publish(t, r.idp.Metadata())
	r.refresh(t)
	return r
}

func (r *rotation) startLogin(t testing.TB) spid.Request {
	t.Helper()
	req, _, err := r.sp.Login(r.Providers().Find("https://idp.example"), spid.LoginOptions{})
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

// finishLogin verifies an answer like the web server: if the signature is invalid, it
// refreshes the registry and tries again.
func (r *rotation) finishLogin(t testing.TB, req spid.Request, answer string) {
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

// A provider's key is rotated while logins are in progress. None fails.
func TestRotation(t *testing.T) {
	t.Parallel()
	r := newRotation(t)
	// Each step starts a login that is answered at once. Every later step
	// verifies that answer, and a new answer to the same request.
	type pending struct {
		req    spid.Request
		answer string
	}
	var started []pending
	step := func(change func()) {
		var wg sync.WaitGroup
		for range 4 { // during the change
			wg.Go(func() {
				req := r.startLogin(t)
				r.finishLogin(t, req, r.answer(t, req))
			})
		}
		change()
		wg.Wait()
		for _, p := range started {
			r.finishLogin(t, p.req, p.answer)
			r.finishLogin(t, p.req, r.answer(t, p.req))
		}
		req := r.startLogin(t)
		started = append(started, pending{req, r.answer(t, req)})
	}
	rotate := func() { check(r.idp.Rotate()) }
	publish := func() { r.publish(t, r.idp.Metadata()) }
	refresh := func() { r.refresh(t) }
	step(func() {})
	step(rotate) // the next key is listed
	step(publish)
	step(refresh)
	step(rotate) // the next key signs
	step(rotate) // the previous key is no longer listed
	step(publish)
	step(refresh)
	if n := r.published.Fetched(); n != 3 {
		t.Errorf("there were %d fetches, want 3", n)
	}
}

// The provider signs with a key that our copy of the aggregate does not
// contain. The aggregate is fetched again, once for all users who return.
func TestRotationUnknownKey(t *testing.T) {
	t.Parallel()
	r := newRotation(t)
	var requests []spid.Request
	for range 8 {
		requests = append(requests, r.startLogin(t))
	}
	answered := r.answer(t, requests[0]) // with the old key, and delivered late
	for range 3 {
		check(r.idp.Rotate())
	}
	r.publish(t, r.idp.Metadata())
	var wg sync.WaitGroup
	for _, req := range requests {
		wg.Go(func() { r.finishLogin(t, req, r.answer(t, req)) })
	}
	wg.Wait()
	r.finishLogin(t, requests[0], answered)
	if n := r.published.Fetched(); n != 2 {
		t.Errorf("there were %d fetches, want 2", n)
	}
}
