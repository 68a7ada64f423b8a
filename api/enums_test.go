package api_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"stella/client"
	"stella/workflow"
	"stella/workflow/qualification"
)

// enum returns the values in a field's enum tag, in the format in which fmt prints a
// list.
func enum[T any](field string) string {
	f, _ := reflect.TypeFor[T]().FieldByName(field)
	return "[" + strings.ReplaceAll(f.Tag.Get("enum"), ",", " ") + "]"
}

// The constants of package workflow, those of package client and the enum tags are
// the same, although package client does not import workflow.
func TestEnumsAreTheSameEverywhere(t *testing.T) {
	for _, values := range []struct {
		documented        string
		procedure, client any
	}{
		{
			enum[client.Qualification]("State"),
			qualification.States,
			[]client.CaseState{
				client.CaseHolderChoice, client.CaseIntroduction, client.CaseHolderInvitation, client.CaseInvited,
				client.CaseHolderKind, client.CaseCompanyData, client.CaseContactData, client.CaseSummary,
				client.CaseIdentification, client.CaseAtProvider, client.CaseIdentified, client.CaseContract,
				client.CaseCode, client.CaseUnderReview, client.CaseRejected, client.CaseQualified,
				client.CaseRevoked, client.CaseExpired,
			},
		},
		{
			enum[client.Mailbox]("State"),
			[]workflow.PublicState{
				workflow.PublicNone, workflow.PublicInProgress, workflow.PublicInvited, workflow.PublicUnderReview,
				workflow.PublicRejected, workflow.PublicQualified, workflow.PublicRevoked, workflow.PublicNotEligible,
			},
			[]client.State{
				client.StateNone, client.StateInProgress, client.StateInvited, client.StateUnderReview,
				client.StateRejected, client.StateQualified, client.StateRevoked, client.StateNotEligible,
			},
		},
		{
			enum[client.Mailbox]("Show"),
			[]workflow.Show{workflow.ShowBanner, workflow.ShowStar, workflow.ShowNothing},
			[]client.Show{client.ShowBanner, client.ShowStar, client.ShowNothing},
		},
		{
			enum[client.Event]("Type"),
			workflow.AnnouncementKinds,
			[]client.EventType{
				client.EventStarted, client.EventInvited, client.EventUnderReview, client.EventCompleted,
				client.EventRejected, client.EventRevoked, client.EventExpired,
			},
		},
		{
			enum[client.Qualification]("Owner"),
			[]qualification.Owner{qualification.OwnedByWebmail, qualification.OwnedByInvited},
			[]client.Owner{client.OwnedByWebmail, client.OwnedByInvited},
		},
		{
			enum[client.Qualification]("Reason"),
			[]qualification.Reason{qualification.ReasonCompany, qualification.ReasonHolder, qualification.ReasonReview},
			[]client.Reason{client.ReasonCompany, client.ReasonHolder, client.ReasonReview},
		},
		{
			enum[client.Case]("Verdict"),
			[]workflow.Verdict{workflow.Matched, workflow.Unproven, workflow.Differs},
			[]client.Verdict{client.Matched, client.Unproven, client.Differs},
		},
		{
			enum[client.Record]("Kind"),
			[]workflow.Kind{workflow.KindPerson, workflow.KindCompany, workflow.KindUnknown},
			[]client.Kind{client.KindPerson, client.KindCompany, client.KindUnknown},
		},
		{
			enum[client.Record]("Status"),
			[]workflow.Status{workflow.Active, workflow.MailboxExpired, workflow.Cancelled, workflow.MailboxRevoked},
			[]client.Standing{client.Active, client.Expired, client.Cancelled, client.Revoked},
		},
	} {
		if p, c := fmt.Sprint(values.procedure), fmt.Sprint(values.client); p != values.documented || c != values.documented {
			t.Errorf("workflow has %s,\nthe enum tag %s,\nclient %s", p, values.documented, c)
		}
	}

	w := newWorld(t)
	auditor := w.backoffice(workflow.ScopeAuditor)
	for _, s := range qualification.States { // the values of the lists' filters
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
