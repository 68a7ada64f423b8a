package spidtest_test

import (
	"testing"

	"stella/spid"
	"stella/spid/spidtest"
)

// A key change takes three steps. A service that reads the metadata after each
// step accepts every answer.
func TestRotate(t *testing.T) {
	t.Parallel()
	idp, server := serve(spidtest.Config{ServiceProvider: sp.Metadata})
	t.Cleanup(server.Close)
	before := parse(idp.Metadata())
	accepts := func(p *spid.Provider) bool {
		req, _, err := sp.Login(p, spid.LoginOptions{})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := idp.Answer(req, spidtest.DemoPeople()[0])
		if err != nil {
			t.Fatal(err)
		}
		response, err := spid.Open(answer)
		if err != nil {
			t.Fatal(err)
		}
		_, err = sp.Verify(response, req.RelayState, req, p)
		return err == nil
	}
	for step, want := range []struct {
		listed int
		before bool // whether the metadata from before the change accept the answers
	}{{2, true}, {2, false}, {1, false}} {
		if err := idp.Rotate(); err != nil {
			t.Fatal(err)
		}
		now := parse(idp.Metadata())
		if len(now.Certificates) != want.listed {
			t.Errorf("step %d: %d keys are listed, want %d", step+1, len(now.Certificates), want.listed)
		}
		if !accepts(now) || accepts(before) != want.before {
			t.Errorf("step %d: the answers are not signed with the right key", step+1)
		}
	}
	if parse(idp.Metadata()).Certificates[0].Equal(before.Certificates[0]) {
		t.Error("the key did not change")
	}
}
