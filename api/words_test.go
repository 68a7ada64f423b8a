package api_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"stella/client"
	"stella/workflow"
)

// enum are the words that a field of a body may have, as fmt prints a list.
func enum[T any](field string) string {
	f, _ := reflect.TypeFor[T]().FieldByName(field)
	return "[" + strings.ReplaceAll(f.Tag.Get("enum"), ",", " ") + "]"
}

// The procedure, the API and its client have the same words, although the client
// imports nothing of ours.
func TestTheWordsOfTheAPIAreTheProcedures(t *testing.T) {
	for _, words := range []struct {
		documented        string
		procedure, client any
	}{
		{enum[client.Qualification]("State"), workflow.States, []client.CaseState{client.CaseHolderChoice, client.CaseIntroduction,
			client.CaseHolderInvitation, client.CaseInvited, client.CaseHolderKind, client.CaseCompanyData, client.CaseContactData, client.CaseSummary,
			client.CaseIdentification, client.CaseAtProvider, client.CaseIdentified, client.CaseContract, client.CaseCode, client.CaseUnderReview,
			client.CaseRejected, client.CaseQualified, client.CaseRevoked, client.CaseExpired}},
		{enum[client.Mailbox]("State"), []workflow.Outward{workflow.OutwardNone, workflow.OutwardInProgress, workflow.OutwardInvited,
			workflow.OutwardUnderReview, workflow.OutwardRejected, workflow.OutwardQualified, workflow.OutwardRevoked, workflow.OutwardNotEligible},
			[]client.State{client.StateNone, client.StateInProgress, client.StateInvited, client.StateUnderReview, client.StateRejected,
				client.StateQualified, client.StateRevoked, client.StateNotEligible}},
		{enum[client.Mailbox]("Show"), []workflow.Show{workflow.ShowBanner, workflow.ShowStar, workflow.ShowNothing},
			[]client.Show{client.ShowBanner, client.ShowStar, client.ShowNothing}},
		{enum[client.Event]("Type"), workflow.AnnouncementKinds, []client.EventType{client.EventStarted, client.EventInvited,
			client.EventUnderReview, client.EventCompleted, client.EventRejected, client.EventRevoked, client.EventExpired}},
		{enum[client.Qualification]("Owner"), []workflow.Owner{workflow.OwnedByWebmail, workflow.OwnedByInvited},
			[]client.Owner{client.OwnedByWebmail, client.OwnedByInvited}},
		{enum[client.Qualification]("Reason"), []workflow.Reason{workflow.ReasonCompany, workflow.ReasonHolder, workflow.ReasonReview},
			[]client.Reason{client.ReasonCompany, client.ReasonHolder, client.ReasonReview}},
		{enum[client.Case]("Verdict"), []workflow.Verdict{workflow.Matched, workflow.Unproven, workflow.Differs},
			[]client.Verdict{client.Matched, client.Unproven, client.Differs}},
		{enum[client.Record]("Kind"), []workflow.Kind{workflow.KindPerson, workflow.KindCompany, workflow.KindUnknown},
			[]client.Kind{client.KindPerson, client.KindCompany, client.KindUnknown}},
		{enum[client.Record]("Status"), []workflow.Status{workflow.Active, workflow.MailboxExpired, workflow.Cancelled, workflow.MailboxRevoked},
			[]client.Standing{client.Active, client.Expired, client.Cancelled, client.Revoked}},
	} {
		if p, c := fmt.Sprint(words.procedure), fmt.Sprint(words.client); p != words.documented || c != words.documented {
			t.Errorf("the procedure says %s,\nthe API %s,\nits client %s", p, words.documented, c)
		}
	}

	w := newWorld(t)
	auditor := w.backoffice(workflow.ScopeAuditor)
	for _, s := range workflow.States { // those that lists are chosen by
		if a := auditor.call("GET", cases+"?state="+string(s), ""); a.Code != 200 {
			t.Errorf("%s: %s", s, a.text)
		}
	}
	for _, k := range workflow.AnnouncementKinds {
		if a := auditor.call("GET", events+"?kind="+string(k), ""); a.Code != 200 {
			t.Errorf("%s: %s", k, a.text)
		}
	}
}
