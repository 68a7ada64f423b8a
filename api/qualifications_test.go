package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"stella/client"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestQualificationsAreListed(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeAuditor)
	if got := b.list(client.QualificationFilter{}); len(got) != 0 {
		t.Errorf("the list without cases is %v", got)
	}
	if a := b.call("GET", cases, ""); a.text != `{"qualifications":[]}`+"\n" {
		t.Errorf("%s", a.text)
	}
	review, summary, rejected := w.RecordInState(t, qualification.UnderReview), w.RecordInState(t, qualification.Summary), w.RecordInState(t, qualification.Rejected)
	w.Record(t, storetest.AnnasRecord) // a mailbox without a case
	all := []int64{number(rejected), number(summary), number(review)}
	if got := b.list(client.QualificationFilter{}); !slices.Equal(got, all) {
		t.Errorf("the list is %v, want %v", got, all)
	}
	for q, err := range b.Qualifications(t.Context(), client.QualificationFilter{Mailbox: strings.ToUpper(rejected.Address)}) {
		storetest.Must(t, err)
		stored := rejected.Case().Qualification
		want := client.Qualification{
			Number:  stored.Number,
			Mailbox: rejected.Address,
			State:   "rejected",
			Since:   stored.SteppedAt.UTC(),
			Opened:  stored.OpenedAt.UTC(),
			Owner:   "webmail",
			Reason:  "holder_differs",
			Version: stored.Version,
		}
		if q != want {
			t.Errorf("the list has %+v, want %+v", q, want)
		}
	}
	for _, c := range []struct {
		filter client.QualificationFilter
		want   []int64
	}{
		{client.QualificationFilter{State: client.CaseUnderReview}, []int64{number(review)}},
		{client.QualificationFilter{State: client.CaseQualified}, nil},
		{client.QualificationFilter{Mailbox: summary.Address}, []int64{number(summary)}},
		{client.QualificationFilter{Mailbox: summary.Address, State: client.CaseSummary}, []int64{number(summary)}},
		{client.QualificationFilter{Mailbox: summary.Address, State: client.CaseRejected}, nil},
		{client.QualificationFilter{Mailbox: "nobody@pec.example"}, nil},
		{client.QualificationFilter{Mailbox: "nobody"}, nil},
		{client.QualificationFilter{Mailbox: "a\x00b@pec.example"}, nil},
		{client.QualificationFilter{Mailbox: "a\xffb@pec.example"}, nil},
	} {
		if got := b.list(c.filter); !slices.Equal(got, c.want) {
			t.Errorf("%+v: the list is %v, want %v", c.filter, got, c.want)
		}
	}
}

// The list is read in pages of two while cases begin and change their state.
func TestTheListOfQualificationsIsStable(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	var journeys []*storetest.Journey
	for range 7 {
		journeys = append(journeys, w.RecordInState(t, qualification.Summary))
	}
	for _, f := range []client.QualificationFilter{{Limit: 2}, {Limit: 2, State: client.CaseSummary}} {
		stay := map[int64]bool{}
		for _, n := range b.list(client.QualificationFilter{State: f.State}) {
			stay[n] = true
		}
		var seen []int64
		for q, err := range b.Qualifications(t.Context(), f) {
			storetest.Must(t, err)
			seen = append(seen, q.Number)
			w.RecordInState(t, qualification.Summary) // a new one
			if len(seen) == 3 {                       // continue one that was listed, and one that was not
				for _, j := range []*storetest.Journey{journeys[len(journeys)-1], journeys[0]} {
					j.AdvanceTo(qualification.Identification)
					if f.State != "" {
						delete(stay, number(j))
					}
				}
				journeys = journeys[1 : len(journeys)-1]
			}
		}
		steady(t, seen, stay)
	}
}

func TestPagesOfQualifications(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	for range 3 {
		w.RecordInState(t, qualification.HolderChoice)
	}
	page := func(query string) (p client.QualificationPage) {
		t.Helper()
		a := b.call("GET", cases+query, "")
		a.decode(&p)
		return p
	}
	if p := page("?limit=3"); len(p.Qualifications) != 3 || p.Next != "" {
		t.Errorf("the page with all cases is %+v", p)
	}
	first := page("?limit=2")
	if len(first.Qualifications) != 2 || first.Next == "" {
		t.Fatalf("the first page is %+v", first)
	}
	if p := page("?limit=2&after=" + first.Next); len(p.Qualifications) != 1 || p.Next != "" || p.Qualifications[0].Number != 1 {
		t.Errorf("the last page is %+v", p)
	}
	var invitation client.InvitationPage
	w.RecordInState(t, qualification.Invited)
	w.RecordInState(t, qualification.Invited)
	b.call("GET", "/api/v1/invitations?limit=1", "").decode(&invitation)
	for _, query := range []string{
		"?limit=0", "?limit=-1", "?limit=1001", "?limit=x", "?state=unheard_of", "?state=in_progress",
		"?after=2", "?after=%00", "?after=djE6LTE", "?after=djE6eA", "?after=djI6Mg", "?after=" + strings.Repeat("a", 201),
		"?mailbox=" + strings.Repeat("a", 255),
		"?after=" + invitation.Next,
	} {
		b.call("GET", cases+query, "").problem(422)
	}
}

func TestAQualificationIsRead(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeAuditor)
	j := w.RecordInState(t, qualification.UnderReview)
	a := b.call("GET", fmt.Sprintf("%s/%d", cases, number(j)), "")
	var got client.Case
	a.decode(&got)
	q := j.Case().Qualification
	if a.Header().Get("ETag") != fmt.Sprintf(`"%d"`, q.Version) || got.ETag() != a.Header().Get("ETag") {
		t.Errorf("the ETag is %s", a.Header().Get("ETag"))
	}
	if got.Mailbox != j.Address || got.State != client.CaseUnderReview || got.Verdict != client.Unproven ||
		!got.Since.Equal(q.SteppedAt) || !got.Opened.Equal(q.OpenedAt) ||
		got.Owner != client.OwnedByWebmail || len(got.Others) != 0 || got.Remark != "" || got.Reason != "" {
		t.Errorf("the case is %s", a.text)
	}
	if d := got.Declared; d == nil || d.ID != q.Declaration.ID.String() || d.Kind != client.KindPerson ||
		d.Email != "anna.neri@mail.example" {
		t.Errorf("the declaration is wrong: %s", a.text)
	}
	if i := got.Identified; i == nil || i.ID != q.Identity.ID.String() || i.Name != "Anna" || i.FamilyName != "Neri" ||
		i.FiscalNumber != storetest.Anna || i.Provider != storetest.Provider || i.Level != "SpidL2" ||
		!i.At.Equal(q.Identity.IdentifiedAt) {
		t.Errorf("the identity is wrong: %s", a.text)
	}

	// Data that do not exist yet are absent, and so is an identity that no longer counts.
	j = w.RecordInState(t, qualification.HolderChoice)
	c, err := b.Case(t.Context(), number(j))
	storetest.Must(t, err)
	if c.Declared != nil || c.Identified != nil || c.Verdict != "" {
		t.Errorf("a new case is %+v", c)
	}
	j = w.RecordInState(t, qualification.Identified)
	storetest.Must(t, w.Procedure.DisownIdentity(t.Context(), j.Visitor, j.Form()))
	c, err = b.Case(t.Context(), number(j))
	storetest.Must(t, err)
	if c.Declared == nil || c.Identified != nil || c.Verdict != "" {
		t.Errorf("the case whose identity was disowned is %+v", c)
	}
}

// An ended case can still be read after a new one has begun.
func TestAnEndedCaseCanBeRead(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	j := w.RecordInState(t, qualification.Revoked)
	old := number(j)
	j.Enter("the browser of " + j.Address)
	newer := number(j)
	for _, c := range []struct {
		number int64
		state  client.CaseState
		others []int64
	}{{old, client.CaseRevoked, []int64{newer}}, {newer, client.CaseHolderChoice, []int64{old}}} {
		got, err := b.Case(t.Context(), c.number)
		storetest.Must(t, err)
		if got.Number != c.number || got.State != c.state || !slices.Equal(got.Others, c.others) {
			t.Errorf("case %d is %+v", c.number, got)
		}
	}
	if got := b.list(client.QualificationFilter{Mailbox: j.Address}); !slices.Equal(got, []int64{newer, old}) {
		t.Errorf("the cases of the mailbox are %v", got)
	}
}

// A client gets the same answers for cases outside its domains, for cases of deleted
// mailboxes, and for cases that do not exist.
func TestCasesOutsideTheClientsDomainsAreUnknown(t *testing.T) {
	w := newWorld(t)
	own, other := w.backoffice(workflow.Scopes...), w.backofficeOf("other", "altrove.example", workflow.Scopes...)
	j, deleted := w.RecordInState(t, qualification.UnderReview), w.RecordInState(t, qualification.UnderReview)
	gone := number(deleted)
	storetest.Must(t, w.Cases.Delete(t.Context(), "tests", deleted.Address))

	for _, f := range []client.QualificationFilter{{}, {Mailbox: j.Address}, {State: client.CaseUnderReview}} {
		if got := other.list(f); len(got) != 0 {
			t.Errorf("%+v: the list of the other client is %v", f, got)
		}
		if got := own.list(f); !slices.Equal(got, []int64{number(j)}) {
			t.Errorf("%+v: the list of the mailbox's client is %v", f, got)
		}
	}
	if got := own.list(client.QualificationFilter{Mailbox: deleted.Address}); len(got) != 0 {
		t.Errorf("the cases of the deleted mailbox are %v", got)
	}
	var answers []string
	for _, c := range []struct {
		b      *backoffice
		number int64
	}{{other, number(j)}, {other, gone}, {other, 4711}, {own, gone}, {own, 4711}} {
		for _, o := range []struct{ method, path, body string }{
			{"GET", "", ""},
			{"GET", "/timeline", ""},
			{"POST", "/approve", ruling},
			{"POST", "/refuse", ruling},
			{"POST", "/revoke", ruling},
		} {
			a := c.b.call(o.method, fmt.Sprintf("%s/%d%s", cases, c.number, o.path), o.body)
			a.problem(404)
			answers = append(answers, a.text)
		}
	}
	if answers = slices.Compact(answers); len(answers) > 1 {
		t.Errorf("the answers differ: %v", answers)
	}
	if c, err := own.Case(t.Context(), number(j)); err != nil || c.State != client.CaseUnderReview {
		t.Errorf("the mailbox's client reads %+v, %v", c, err)
	}
	for _, n := range []string{"0", "-1", "x", "1.5", "99999999999999999999"} {
		own.call("GET", cases+"/"+n, "").problem(422)
	}
}

// Each operation can be called only with one of its scopes.
func TestTheScopesOfCases(t *testing.T) {
	w := newWorld(t)
	review, invited := w.RecordInState(t, qualification.UnderReview), w.RecordInState(t, qualification.Invited)
	withdraw := invitations + "/" + invitationOf(invited) + "/withdraw"
	one := fmt.Sprintf("%s/%d", cases, number(review))
	for _, scope := range workflow.Scopes {
		b := w.backofficeOf("client of "+string(scope), storetest.Domain, scope)
		for _, c := range []struct {
			method, path, body string
			writes             bool
		}{
			{"GET", cases, "", false},
			{"GET", one, "", false},
			{"GET", one + "/timeline", "", false},
			{"GET", invitations, "", false},
			{"POST", one + "/approve", "{", true},
			{"POST", one + "/refuse", "{", true},
			{"POST", one + "/revoke", "{", true},
			{"POST", withdraw, "{", true},
		} {
			a := b.call(c.method, c.path, c.body)
			switch allowed := scope == workflow.ScopeOperator || scope == workflow.ScopeAuditor && !c.writes; {
			case !allowed:
				a.problem(403)
			case c.writes: // the scope is sufficient, and the body is invalid
				a.problem(400)
			case a.Code != 200:
				t.Errorf("%s %s as %s: %d %s", c.method, c.path, scope, a.Code, a.text)
			}
			call(t, w.handler, c.method, c.path, c.body).problem(401)
			call(t, w.handler, c.method, c.path, c.body, "Authorization", "Bearer guess").problem(401)
		}
	}
	review.AdvanceTo(qualification.UnderReview)
	invited.AdvanceTo(qualification.Invited)
}
