package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"stella/client"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

var paolo = client.Ruling{Operator: "paolo", Reason: "visura del 20/11/2026"}

// decide calls an operation such as "approve" for the case of a mailbox.
func (b *backoffice) decide(verb string, j *storetest.Journey, body string, header ...string) answer {
	b.w.t.Helper()
	return b.call("POST", fmt.Sprintf("%s/%d/%s", cases, number(j), verb), body, header...)
}

// decided checks the newest step of the log: its event, its actor, the actor's
// client and the decision to which it refers.
func decided(t *testing.T, j *storetest.Journey, e qualification.Event) {
	t.Helper()
	h := j.History()
	last := h.Steps[len(h.Steps)-1]
	want := workflow.Actor{Kind: workflow.ByOperator, Client: "backoffice", Name: "paolo"}
	if last.Event != e || last.Actor != want {
		t.Errorf("the last step is %s by %+v", last.Event, last.Actor)
	}
	d := h.Decisions[len(h.Decisions)-1]
	if d.ID.String() != last.Refs["decision"] || d.Event != string(e) || d.Operator != "paolo" || d.Reason != paolo.Reason ||
		!d.DecidedAt.Equal(last.At) {
		t.Errorf("the decision is %+v, and the step refers to %s", d, last.Refs["decision"])
	}
}

func TestAnOperatorApproves(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	j := w.RecordInState(t, qualification.UnderReview)
	before, err := b.Case(t.Context(), number(j))
	storetest.Must(t, err)
	after, err := b.Approve(t.Context(), number(j), paolo, client.IfMatch(before.ETag()))
	storetest.Must(t, err)
	if after.State != client.CaseQualified || after.Version != before.Version+1 {
		t.Errorf("the answer is %+v", after)
	}
	if m := w.mailbox(j.Address); m.Show != "star" {
		t.Errorf("the webmail shows %s", m.Show)
	}
	decided(t, j, qualification.ReviewApproved)
}

func TestAnOperatorRefuses(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	j := w.RecordInState(t, qualification.UnderReview)
	after, err := b.Refuse(t.Context(), number(j), paolo)
	storetest.Must(t, err)
	if after.State != client.CaseRejected || after.Reason != client.ReasonReview || after.Remark != paolo.Reason {
		t.Errorf("the answer is %+v", after)
	}
	if mails := j.Mails(); mails[len(mails)-1] != "rejected "+j.Address {
		t.Errorf("the mails are %v", mails)
	}
	decided(t, j, qualification.ReviewRefused)
}

func TestAnOperatorRevokes(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	j := w.RecordInState(t, qualification.Qualified)
	after, err := b.Revoke(t.Context(), number(j), paolo)
	storetest.Must(t, err)
	if after.State != client.CaseRevoked || after.Remark != paolo.Reason {
		t.Errorf("the answer is %+v", after)
	}
	if m := w.mailbox(j.Address); m.Show == "star" || m.State != "revoked" {
		t.Errorf("the webmail shows %+v", m)
	}
	decided(t, j, qualification.RevokedByProvider)
}

// unchanged checks that do adds no step, decision or mail to a case.
func unchanged(t *testing.T, j *storetest.Journey, do func()) {
	t.Helper()
	before := j.History()
	do()
	after := j.History()
	if len(after.Steps) != len(before.Steps) || len(after.Decisions) != len(before.Decisions) || len(after.Mails) != len(before.Mails) {
		t.Error("the case has changed")
	}
}

func TestDecisionsInOtherStatesAreRefused(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	for _, s := range qualification.States {
		if s == qualification.Expired { // reaching it expires all unfinished cases
			continue
		}
		j := w.RecordInState(t, s)
		for verb, needs := range map[string]qualification.State{
			"approve": qualification.UnderReview,
			"refuse":  qualification.UnderReview,
			"revoke":  qualification.Qualified,
		} {
			if s == needs {
				continue
			}
			unchanged(t, j, func() {
				want := fmt.Sprintf("%s cannot be %sd: its case %d is in state %s, and only one in state %s can",
					j.Address, verb, number(j), s, needs)
				if got := b.decide(verb, j, ruling).problem(409); got != want {
					t.Errorf("%q, want %q", got, want)
				}
			})
		}
	}
}

func TestADecisionOnAnEndedCaseIsRefused(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	j := w.RecordInState(t, qualification.Revoked)
	old := number(j)
	j.Enter("the browser of " + j.Address)
	for _, verb := range []string{"approve", "refuse", "revoke"} {
		got := b.call("POST", fmt.Sprintf("%s/%d/%s", cases, old, verb), ruling).problem(409)
		if want := fmt.Sprintf("case %d of %s is over: its current case is %d", old, j.Address, number(j)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Only the holder on record gets the star, even if an operator approves.
func TestApprovalsThatAreRefused(t *testing.T) {
	for what, c := range map[string]struct {
		before func(j *storetest.Journey)
		want   string // the end of the detail
	}{
		"the record names another person": {func(j *storetest.Journey) {
			r := storetest.AnnasRecord
			r.FiscalCode = storetest.Sara
			_, err := j.Cases.SetRecord(j.Context(), "tests", j.Address, workflow.Active, r)
			j.Must(err)
		}, "the holder on record is not the person who was identified; refuse it, or correct the record first"},
		"the mailbox is not active": {func(j *storetest.Journey) {
			_, err := j.Cases.SetRecord(j.Context(), "tests", j.Address, workflow.Cancelled, j.Case().Mailbox.Record)
			j.Must(err)
		}, "the mailbox is not active"},
		"the identity provider is suspended": {func(j *storetest.Journey) {
			j.Must(j.Provider.Suspend(j.Context(), "tests", storetest.Provider, j.Clock.Now(), "a breach"))
		}, "the person was identified by " + storetest.Provider +
			", which is suspended and not trusted for that time; refuse it, and the holder can be identified again"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			b := w.backoffice(workflow.ScopeOperator)
			j := w.RecordInState(t, qualification.UnderReview)
			c.before(j)
			unchanged(t, j, func() {
				if got, want := b.decide("approve", j, ruling).problem(409), j.Address+" cannot be approved: "+c.want; got != want {
					t.Errorf("%q, want %q", got, want)
				}
			})
			if _, err := b.Refuse(t.Context(), number(j), paolo); err != nil {
				t.Errorf("it cannot be refused either: %v", err)
			}
		})
	}
}

func TestADecisionOnAnotherVersion(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	j := w.RecordInState(t, qualification.UnderReview)
	version := j.Case().Qualification.Version
	etag := fmt.Sprintf(`"%d"`, version)
	for _, tag := range []string{fmt.Sprintf(`"%d"`, version-1), fmt.Sprintf(`"%d"`, version+1), "17", `""`, `"x", "y"`} {
		unchanged(t, j, func() {
			a := b.decide("approve", j, ruling, "If-Match", tag)
			if got := a.problem(412); !strings.Contains(got, etag) || a.Header().Get("ETag") != etag {
				t.Errorf("%s: %q, %s", tag, got, a.Header().Get("ETag"))
			}
		})
	}
	if a := b.decide("refuse", j, ruling, "If-Match", `"1", `+etag); a.Code != 200 {
		t.Errorf("%s", a.text)
	}
	j = w.RecordInState(t, qualification.UnderReview)
	if a := b.decide("refuse", j, ruling, "If-Match", "*"); a.Code != 200 {
		t.Errorf("%s", a.text)
	}
}

func TestInvalidRulingsAreRefused(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	j, qualified, invited := w.RecordInState(t, qualification.UnderReview), w.RecordInState(t, qualification.Qualified), w.RecordInState(t, qualification.Invited)
	for _, c := range []struct {
		body   string
		status int
	}{
		{``, 400}, {`{`, 400}, {`[]`, 422}, {`{}`, 422}, {`null`, 422},
		{`{"operator":"paolo"}`, 422},
		{`{"reason":"visura"}`, 422},
		{`{"operator":"paolo","reason":""}`, 422},
		{`{"operator":"paolo","reason":" \t\n"}`, 422},
		{`{"operator":"","reason":"visura"}`, 422},
		{`{"operator":"  ","reason":"visura"}`, 422},
		{`{"operator":"paolo","reason":"visura\u0000"}`, 422},
		{`{"operator":"pao\u0000lo","reason":"visura"}`, 422},
		{`{"operator":"pao\nlo","reason":"visura"}`, 422},
		{`{"operator":"paolo","reason":7}`, 422},
		{`{"operator":"paolo","reason":null}`, 422},
		{`{"operator":"paolo","reason":"visura","unheard":"of"}`, 422},
		{`{"operator":"` + strings.Repeat("p", 201) + `","reason":"visura"}`, 422},
		{`{"operator":"paolo","reason":"` + strings.Repeat("v", 2001) + `"}`, 422},
		{`{"operator":"paolo","reason":"` + strings.Repeat("v", 40000) + `"}`, 413},
	} {
		unchanged(t, j, func() {
			b.decide("approve", j, c.body).problem(c.status)
			b.decide("refuse", j, c.body).problem(c.status)
		})
		unchanged(t, qualified, func() { b.decide("revoke", qualified, c.body).problem(c.status) })
		unchanged(t, invited, func() {
			b.call("POST", invitations+"/"+invitationOf(invited)+"/withdraw", c.body).problem(c.status)
		})
	}
	reason := "riga\n" + strings.Repeat("è", 1995)
	c, err := b.Refuse(t.Context(), number(j), client.Ruling{Operator: "Niccolò D'Àvila", Reason: reason})
	if err != nil || c.Remark != reason {
		t.Errorf("%+v, %v", c, err)
	}
}

// A decision that is repeated with the same key is made once.
func TestADecisionIsMadeOnce(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	j := w.RecordInState(t, qualification.UnderReview)
	first := b.decide("approve", j, ruling, "Idempotency-Key", "a key")
	if first.Code != 200 {
		t.Fatalf("%s", first.text)
	}
	unchanged(t, j, func() {
		again := b.decide("approve", j, ruling, "Idempotency-Key", "a key")
		if again.Code != 200 || again.text != first.text || again.Header().Get("ETag") != first.Header().Get("ETag") {
			t.Errorf("the second answer is %d %s, the first was %s", again.Code, again.text, first.text)
		}
		b.decide("approve", j, ruling).problem(409)
		b.decide("approve", j, ruling, "Idempotency-Key", "another key").problem(409)
		b.decide("approve", j, `{"operator":"paolo","reason":"altro"}`, "Idempotency-Key", "a key").problem(422)
		b.decide("revoke", j, ruling, "Idempotency-Key", "a key").problem(422)
	})
}

// If several operators decide at the same time, one decision is made. The others get
// a conflict with the state of the case.
func TestConcurrentDecisions(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	j := w.RecordInState(t, qualification.UnderReview)
	steps := len(j.History().Steps)
	verbs := []string{"approve", "refuse", "approve", "refuse", "approve", "refuse"}
	answers := make([]answer, len(verbs))
	var all sync.WaitGroup
	for i, verb := range verbs {
		all.Go(func() { answers[i] = b.decide(verb, j, ruling) })
	}
	all.Wait()
	done := slices.IndexFunc(answers, func(a answer) bool { return a.Code == http.StatusOK })
	if done < 0 {
		t.Fatalf("no decision was made: %s", answers[0].text)
	}
	state := map[string]string{"approve": "qualified", "refuse": "rejected"}[verbs[done]]
	for i, a := range answers {
		if i == done {
			continue
		}
		if got := a.problem(409); !strings.Contains(got, "is in state "+state) {
			t.Errorf("%s, after %s: %s", verbs[i], verbs[done], got)
		}
	}
	h := j.History()
	if len(h.Steps) != steps+1 || len(h.Decisions) != 1 || string(h.Case.Qualification.State) != state {
		t.Errorf("there are %d steps, before %d, and %d decisions; the case is %s",
			len(h.Steps), steps, len(h.Decisions), h.Case.Qualification.State)
	}
}
