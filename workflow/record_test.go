package workflow_test

import (
	"errors"
	"slices"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
)

// A star was given to a person, and for a company to that company. It goes where
// the record no longer names them, and stays whatever else the record says: above
// all where nobody was ever named, and an operator approved.
func TestWhatAChangeOfTheRecordDoesToTheStar(t *testing.T) {
	person := func(code string) workflow.Record {
		return workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", FiscalCode: code}
	}
	company := func(code, vat string, representatives ...string) workflow.Record {
		r := workflow.Record{Kind: workflow.KindCompany, Name: "Impresa", FiscalCode: code, VATNumber: vat}
		for _, c := range representatives {
			r.Representatives = append(r.Representatives, workflow.Representative{FiscalCode: c, Name: "Nome"})
		}
		return r
	}
	const (
		anna, luca, sara = storetest.Anna, storetest.Luca, storetest.Sara
		bianchi          = storetest.Bianchi
		stays            = workflow.RecordUnchanged
		keeps, goes      = workflow.RecordChanged, workflow.RecordRevoked
	)
	for _, c := range []struct {
		name     string
		before   workflow.Record
		declared string // company, where it is not the one on record
		holder   string
		after    workflow.Record
		changed  workflow.Recorded
	}{
		{name: "person, the same again", before: person(anna), holder: anna, after: person(anna), changed: stays},
		{name: "person, the name in other words", before: person(anna), holder: anna, after: workflow.Record{Kind: workflow.KindPerson, Name: "NERI ANNA", FiscalCode: anna, Email: "a@mail.example"}, changed: keeps},
		{name: "person, another", before: person(anna), holder: anna, after: person(sara), changed: goes},
		{name: "person, no longer named", before: person(anna), holder: anna, after: person(""), changed: goes},
		{name: "person, nothing known any more", before: person(anna), holder: anna, after: workflow.Record{}, changed: goes},
		{name: "person, now a company", before: person(anna), holder: anna, after: company(anna, ""), changed: goes},
		{name: "person, another code by omocodia", before: person(anna), holder: anna, after: person(annaOmocode), changed: goes},
		{name: "person approved by omocodia, the name", before: person(annaOmocode), holder: anna, after: workflow.Record{Kind: workflow.KindPerson, Name: "NERI", FiscalCode: annaOmocode}, changed: keeps},
		{name: "person approved by omocodia, now the very code", before: person(annaOmocode), holder: anna, after: person(anna), changed: keeps},
		{name: "person approved by omocodia, no longer named", before: person(annaOmocode), holder: anna, after: person(""), changed: goes},
		{name: "person, a provisional code, the name", before: person(provisional), holder: provisional, after: workflow.Record{Kind: workflow.KindPerson, Name: "NERI", FiscalCode: provisional}, changed: keeps},
		{name: "person, a provisional code, then another", before: person(provisional), holder: provisional, after: person(anna), changed: goes},
		{name: "person approved with a provisional code, now the very code", before: person(provisional), holder: anna, after: person(anna), changed: keeps},
		{name: "person approved with a provisional code, no longer named", before: person(provisional), holder: anna, after: person("90000000019"), changed: goes},
		{name: "person approved, never named, the e-mail", before: person(""), holder: anna, after: workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", Email: "a@mail.example"}, changed: keeps},
		{name: "person approved, never named, now named", before: person(""), holder: anna, after: person(anna), changed: keeps},
		{name: "person approved, never named, another named", before: person(""), holder: anna, after: person(sara), changed: goes},
		{name: "nothing known, approved, the kind is learnt", before: workflow.Record{}, holder: anna, after: person(""), changed: keeps},
		{name: "nothing known, approved, another kind", before: workflow.Record{}, holder: anna, after: company("", ""), changed: goes},

		{name: "company, another representative beside", before: company(bianchi, "", luca), holder: luca, after: company(bianchi, "", sara, luca), changed: keeps},
		{name: "company, another representative instead", before: company(bianchi, "", luca), holder: luca, after: company(bianchi, "", sara), changed: goes},
		{name: "company, one of two leaves, who was not identified", before: company(bianchi, "", luca, sara), holder: luca, after: company(bianchi, "", luca), changed: keeps},
		{name: "company, no representative any more", before: company(bianchi, "", luca), holder: luca, after: company(bianchi, ""), changed: goes},
		{name: "company, its code changes, the representative stays", before: company(bianchi, "", luca), holder: luca, after: company(cooperativa, "", luca), changed: goes},
		{name: "company, its code is no longer known", before: company(bianchi, "", luca), holder: luca, after: company("", "", luca), changed: goes},
		{name: "company, its VAT number is learnt", before: company(bianchi, "", luca), holder: luca, after: company(bianchi, cooperativa, luca), changed: keeps},
		{name: "company declared by its VAT number, which goes", before: company(bianchi, cooperativa, luca), declared: cooperativa, holder: luca, after: company(bianchi, "", luca), changed: keeps},
		{name: "company declared by its VAT number, which stays, another code", before: company(bianchi, cooperativa, luca), declared: cooperativa, holder: luca, after: company("00743110157", cooperativa, luca), changed: keeps},
		{name: "company approved, no representative known, the name", before: company(bianchi, ""), holder: luca, after: workflow.Record{Kind: workflow.KindCompany, Name: "IMPRESA", FiscalCode: bianchi}, changed: keeps},
		{name: "company approved, no representative known, now named", before: company(bianchi, ""), holder: luca, after: company(bianchi, "", luca), changed: keeps},
		{name: "company approved, no representative known, another named", before: company(bianchi, ""), holder: luca, after: company(bianchi, "", sara), changed: goes},
		{name: "company approved, no representative known, another company", before: company(bianchi, ""), holder: luca, after: company(cooperativa, ""), changed: goes},
		{name: "company approved, nothing known, its code is learnt", before: company("", ""), declared: bianchi, holder: luca, after: company(bianchi, ""), changed: keeps},
		{name: "company approved, nothing known, another code", before: company("", ""), declared: bianchi, holder: luca, after: company(cooperativa, ""), changed: goes},
		{name: "sole trader, the VAT number", before: company(anna, ""), holder: anna, after: company(anna, bianchi), changed: keeps},
		{name: "sole trader, another", before: company(anna, bianchi), declared: bianchi, holder: anna, after: company(sara, bianchi), changed: goes},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := begin(t, c.before)
			if c.declared != "" {
				x.To(workflow.HolderKind)
				x.Must(x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindCompany))
				x.Must(x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "", c.declared))
			}
			x.To(workflow.Identification)
			x.Must(logInAs(x, c.holder))
			x.To(workflow.Qualified) // approved where it is unproven
			what, err := x.Procedure.Record(x.Context(), "paolo", x.Address, workflow.Active, c.after)
			x.Must(err)
			if what != c.changed {
				t.Errorf("it says %s, want %s", what, c.changed)
			}
			starred := x.Case().Mailbox.Star != nil
			if starred != (c.changed != goes) || starred != (x.State() == workflow.Qualified) || !starred && x.State() != workflow.Revoked {
				t.Errorf("the star is %v, the state %s", starred, x.State())
			}
			if mails := x.Mails(); !starred && !slices.Contains(mails, "revoked "+x.Address) {
				t.Errorf("mails %v", mails)
			}
		})
	}
}

func TestAChangeOfStandingIsARecordToo(t *testing.T) {
	x := begin(t, storetest.AnnasRecord)
	_, err := x.Procedure.Record(x.Context(), "paolo", x.Address, workflow.Cancelled, storetest.AnnasRecord)
	x.Must(err)
	h := x.History()
	if n := len(h.Records); n != 2 || h.Records[1].Status != workflow.Cancelled || h.Records[1].ImportedBy != "paolo" {
		t.Errorf("the records are %+v", h.Records)
	}
}

// Standing other than active hides the star, and active shows it again.
func TestAnotherStandingOnlyHidesTheStar(t *testing.T) {
	x := reach(t, workflow.Qualified)
	for _, s := range []workflow.Status{workflow.MailboxExpired, workflow.Cancelled, workflow.MailboxRevoked, workflow.Active} {
		what, err := x.Procedure.Record(x.Context(), "paolo", x.Address, s, storetest.AnnasRecord)
		x.Must(err)
		if c := x.Case(); what != workflow.RecordChanged || c.Mailbox.Status != s || c.Mailbox.Star == nil || c.Qualification.State != workflow.Qualified {
			t.Errorf("%s: %s, %s", s, what, c.Qualification.State)
		}
	}
}

// What is under way goes on, and is judged in the end on the record as it is then.
func TestAnUnfinishedQualificationIsJudgedOnTheNewRecord(t *testing.T) {
	for name, c := range map[string]struct {
		code string
		want workflow.State
	}{"the same person": {storetest.Anna, workflow.Qualified}, "nobody known": {"", workflow.UnderReview}, "another": {storetest.Sara, workflow.Identification}} {
		t.Run(name, func(t *testing.T) {
			x := reach(t, workflow.CodeEntry)
			r := storetest.AnnasRecord
			r.FiscalCode, r.Name = c.code, "A. Neri"
			if what, err := x.Procedure.Record(x.Context(), "paolo", x.Address, workflow.Active, r); err != nil || what != workflow.RecordChanged {
				t.Fatalf("%s, %v", what, err)
			}
			x.IsAt(workflow.CodeEntry)
			if err := x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.Code()); (err != nil) != (c.want == workflow.Identification) {
				t.Error(err)
			}
			x.IsAt(c.want)
		})
	}
}

// A deleted mailbox is nobody's: what was under way ends, and its evidence stays.
func TestADeletedMailbox(t *testing.T) {
	ends := map[workflow.State]workflow.State{workflow.Qualified: workflow.Revoked, workflow.UnderReview: workflow.UnderReview,
		workflow.Revoked: workflow.Revoked, workflow.Expired: workflow.Expired}
	for _, s := range workflow.States {
		t.Run(string(s), func(t *testing.T) {
			w := newWorld(t)
			x := w.Reach(t, s)
			before := x.History()
			x.Must(w.Procedure.Delete(x.Context(), "paolo", x.Address))
			want, ended := ends[s]
			if !ended {
				want = workflow.Expired
			}
			x.IsAt(want)
			c := x.Case()
			if c.Mailbox.Star != nil || !c.Mailbox.Deleted() || c.Mailbox.Status == workflow.Active || c.Mailbox.Record.ImportedBy != "paolo" {
				t.Errorf("%+v", c.Mailbox)
			}
			if after := x.History(); len(after.Steps) < len(before.Steps) || len(after.Records) != len(before.Records)+1 || len(after.Identities) != len(before.Identities) {
				t.Error("its evidence is gone")
			}
			if _, err := w.HandOff(x.Context(), x.Address); !errors.Is(err, workflow.ErrUnknown) {
				t.Errorf("a hand-off: %v", err)
			}
			if _, _, err := w.Procedure.Standing(x.Context(), storetest.Token, x.Address); !errors.Is(err, workflow.ErrUnknown) {
				t.Errorf("its status: %v", err)
			}
			if err := w.Procedure.Delete(x.Context(), "paolo", x.Address); !errors.Is(err, workflow.ErrUnknown) {
				t.Errorf("deleted again: %v", err)
			}
			if s == workflow.UnderReview {
				if err := w.Procedure.Approve(x.Context(), "paolo", x.Address, 0, "visura"); !errors.Is(err, workflow.ErrNotEligible) {
					t.Errorf("an approval: %v", err)
				}
			}

			// And it comes back with a new record, without star.
			if what, err := w.Procedure.Record(x.Context(), "paolo", x.Address, workflow.Active, storetest.AnnasRecord); err != nil || what != workflow.RecordMade {
				t.Errorf("recorded again: %s, %v", what, err)
			}
			x.Visitor = x.Enter("another browser")
			if c := x.Case(); c.Mailbox.Star != nil || c.Mailbox.Deleted() {
				t.Errorf("%+v", c.Mailbox)
			}
			if want == workflow.UnderReview {
				x.IsAt(workflow.UnderReview)
			} else {
				x.IsAt(workflow.HolderChoice)
			}
		})
	}
}
