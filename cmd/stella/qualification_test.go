package main

import (
	"fmt"
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestQualificationCommands(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	url := w.Pool().Config().ConnString()
	run := func(args ...string) result {
		return stella(t, []string{"STELLA_DATABASE_URL=" + url, "STELLA_OPERATOR=maria"}, append([]string{"qualification"}, args...)...)
	}
	withoutCode := workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", Email: "anna.neri@mail.example"}
	review := w.RecordAs(t, "review@pec.example", withoutCode)
	review.AdvanceTo(qualification.UnderReview)
	other := w.RecordAs(t, "other@pec.example", withoutCode)
	other.AdvanceTo(qualification.UnderReview)
	started := w.RecordAs(t, "started@pec.example", storetest.AnnasRecord)
	started.AdvanceTo(qualification.Summary)
	w.RecordAs(t, "never@pec.example", storetest.AnnasRecord)

	// Impossible decisions are refused with the reason.
	run("approve", "nobody@pec.example", "--reason=x").fails(t, 1, "there is no mailbox nobody@pec.example on record")
	run("refuse", "4711", "--reason=x").fails(t, 1, "there is no case 4711")
	run("refuse", "review@pec.example", "--reason=  ").fails(t, 2, `--reason has a blank value
Try "stella qualification refuse --help".`)
	run("revoke", "never@pec.example", "--reason=x").fails(t, 1, "never@pec.example never had a qualification")
	for verb, needed := range map[string]string{"approve": "under_review", "refuse": "under_review", "revoke": "qualified"} {
		run(verb, "Started@pec.example", "--reason=x").fails(t, 1,
			"started@pec.example cannot be "+verb+"d: its case 3 is in state summary, and only one in state "+needed+" can")
	}
	run("show", "nobody@pec.example").fails(t, 1, "there is no mailbox nobody@pec.example on record")
	run("show", "never@pec.example").fails(t, 1, "never@pec.example never had a qualification")
	run("revoke", "review@pec.example", "--reason=x").fails(t, 1,
		"review@pec.example cannot be revoked: its case 1 is in state under_review, and only one in state qualified can")

	// The list contains the mailboxes with a case, and can be filtered by state.
	if list := run("list").succeeds(t); strings.Count(list, "\n") != 4 || strings.Contains(list, "never@") {
		t.Errorf("%s", list)
	}
	if list := run("list", "--state", "under_review").succeeds(t); strings.Count(list, "\n") != 3 || strings.Contains(list, "started@") {
		t.Errorf("%s", list)
	}

	// A new record may name another person than the one who was identified.
	record := storetest.AnnasRecord
	record.FiscalCode = storetest.Sara
	_, err := w.Cases.SetRecord(t.Context(), "tests", other.Address, workflow.Active, record)
	storetest.Must(t, err)
	run("approve", "other@pec.example", "--reason=x").fails(t, 1,
		"other@pec.example cannot be approved: the holder on record is not the person who was identified; refuse it, or correct the record first")
	if out := run("refuse", "2", "--reason=un'altra persona").succeeds(t); out != "other@pec.example: refused\n" {
		t.Errorf("%q", out)
	}
	if q := other.Case().Qualification; q.State != qualification.Rejected || q.Reason != qualification.ReasonReview ||
		q.Remark != "un'altra persona" {
		t.Errorf("%+v", q)
	}

	if out := run("approve", "Review@pec.example", "--reason=visura 123").succeeds(t); out != "review@pec.example: approved\n" {
		t.Errorf("%q", out)
	}
	if c := review.Case(); c.Qualification.State != qualification.Qualified || c.Mailbox.Star == nil {
		t.Errorf("%+v", c.Qualification)
	}
	show := run("show", "1").succeeds(t)
	for _, want := range []string{
		"review@pec.example", "qualified since ", "Anna Neri", storetest.Anna, "DECLARATION", "review_approved", "operator maria",
		"code_right_unproven", "decision", "verdict unproven", "visura 123", "qualified_pec", "waiting",
		"webmail webmail/user-7", "192.0.2.7",
	} {
		if !strings.Contains(show, want) {
			t.Errorf("%q is not shown:\n%s", want, show)
		}
	}
	if strings.Contains(show, "TINIT-") {
		t.Errorf("a fiscal code has the prefix of SPID:\n%s", show)
	}
	if out := run("revoke", "1", "--reason=un errore").succeeds(t); out != "review@pec.example: revoked\n" {
		t.Errorf("%q", out)
	}
	if c := review.Case(); c.Qualification.State != qualification.Revoked || c.Mailbox.Star != nil {
		t.Errorf("%+v", c.Qualification)
	}
	run("revoke", "1", "--reason=x").fails(t, 1,
		"review@pec.example cannot be revoked: its case 1 is in state revoked, and only one in state qualified can")

	// An ended case can be shown, but its number cannot be used for the next case.
	review.Enter("another browser")
	again := review.Case().Qualification.Number
	run("revoke", "1", "--reason=x").fails(t, 1, fmt.Sprintf("case 1 of review@pec.example is over: its current case is %d", again))
	if old := run("show", "1").succeeds(t); !strings.Contains(old, "revoked since ") ||
		!strings.Contains(old, fmt.Sprint("another case  ", again)) {
		t.Errorf("%s", old)
	}
	if now := run("show", "review@pec.example").succeeds(t); !strings.Contains(now, "holder_choice since ") {
		t.Errorf("%s", now)
	}
}

// The company of a professional identity is shown as evidence.
func TestCompanyOfAnIdentityIsShown(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	j := w.RecordInState(t, qualification.AtProvider)
	a := w.Answer(storetest.Anna)
	a.Assertion.CompanyName, a.Assertion.CompanyVATNumber = "Officine Bianchi S.r.l.", "09876543217"
	secret, err := w.Logins.StoreAnswer(t.Context(), j.Case().Qualification.Login.ID, a, []byte("<Response/>"))
	storetest.Must(t, err)
	storetest.Must(t, w.Procedure.Return(t.Context(), j.Visitor, secret))
	out := stella(t, []string{"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString()}, "qualification", "show", j.Address).succeeds(t)
	if !strings.Contains(out, "COMPANY") || !strings.Contains(out, "  Officine Bianchi S.r.l. 09876543217  ") {
		t.Errorf("%s", out)
	}
}
