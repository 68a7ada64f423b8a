package qualification_test

import (
	"errors"
	"slices"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// A star belongs to a person and, for a company, to that company. It is revoked if the
// record no longer names them, and stays after any other change. It also stays if no
// person was ever named and an operator approved.
func TestRecordChangeAndStar(t *testing.T) {
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
		same             = qualification.ImportUnchanged
		changed, revoked = qualification.ImportChanged, qualification.ImportRevoked
	)
	for _, c := range []struct {
		name     string
		before   workflow.Record
		declared string // declared company, if it is not the one on record
		holder   string
		after    workflow.Record
		want     qualification.ImportResult
	}{
		{
			name: "person, the same again", want: same,
			before: person(anna), holder: anna, after: person(anna),
		},
		{
			name: "person, the name in another form", want: changed,
			before: person(anna), holder: anna,
			after: workflow.Record{Kind: workflow.KindPerson, Name: "NERI ANNA", FiscalCode: anna, Email: "a@mail.example"},
		},
		{
			name: "person, another", want: revoked,
			before: person(anna), holder: anna, after: person(sara),
		},
		{
			name: "person, no longer named", want: revoked,
			before: person(anna), holder: anna, after: person(""),
		},
		{
			name: "person, nothing known any more", want: revoked,
			before: person(anna), holder: anna, after: workflow.Record{},
		},
		{
			name: "person, now a company", want: revoked,
			before: person(anna), holder: anna, after: company(anna, ""),
		},
		{
			name: "person, another code by omocodia", want: revoked,
			before: person(anna), holder: anna, after: person(annaOmocode),
		},
		{
			name: "person approved by omocodia, another name", want: changed,
			before: person(annaOmocode), holder: anna,
			after: workflow.Record{Kind: workflow.KindPerson, Name: "NERI", FiscalCode: annaOmocode},
		},
		{
			name: "person approved by omocodia, now their code", want: changed,
			before: person(annaOmocode), holder: anna, after: person(anna),
		},
		{
			name: "person approved by omocodia, no longer named", want: revoked,
			before: person(annaOmocode), holder: anna, after: person(""),
		},
		{
			name: "person, a provisional code, another name", want: changed,
			before: person(provisional), holder: provisional,
			after: workflow.Record{Kind: workflow.KindPerson, Name: "NERI", FiscalCode: provisional},
		},
		{
			name: "person, a provisional code, then another", want: revoked,
			before: person(provisional), holder: provisional, after: person(anna),
		},
		{
			name: "person approved with a provisional code, now their code", want: changed,
			before: person(provisional), holder: anna, after: person(anna),
		},
		{
			name: "person approved with a provisional code, no longer named", want: revoked,
			before: person(provisional), holder: anna, after: person("90000000019"),
		},
		{
			name: "person approved, never named, another e-mail", want: changed,
			before: person(""), holder: anna,
			after: workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", Email: "a@mail.example"},
		},
		{
			name: "person approved, never named, now named", want: changed,
			before: person(""), holder: anna, after: person(anna),
		},
		{
			name: "person approved, never named, another named", want: revoked,
			before: person(""), holder: anna, after: person(sara),
		},
		{
			name: "nothing known, approved, the kind is added", want: changed,
			before: workflow.Record{}, holder: anna, after: person(""),
		},
		{
			name: "nothing known, approved, another kind", want: revoked,
			before: workflow.Record{}, holder: anna, after: company("", ""),
		},

		{
			name: "company, a representative is added", want: changed,
			before: company(bianchi, "", luca), holder: luca, after: company(bianchi, "", sara, luca),
		},
		{
			name: "company, a representative is replaced", want: revoked,
			before: company(bianchi, "", luca), holder: luca, after: company(bianchi, "", sara),
		},
		{
			name: "company, a representative who was not identified is removed", want: changed,
			before: company(bianchi, "", luca, sara), holder: luca, after: company(bianchi, "", luca),
		},
		{
			name: "company, no representative any more", want: revoked,
			before: company(bianchi, "", luca), holder: luca, after: company(bianchi, ""),
		},
		{
			name: "company, its code changes, the representative stays", want: revoked,
			before: company(bianchi, "", luca), holder: luca, after: company(cooperativa, "", luca),
		},
		{
			name: "company, its code is no longer known", want: revoked,
			before: company(bianchi, "", luca), holder: luca, after: company("", "", luca),
		},
		{
			name: "company, its VAT number is added", want: changed,
			before: company(bianchi, "", luca), holder: luca, after: company(bianchi, cooperativa, luca),
		},
		{
			name: "company declared by its VAT number, which is removed", want: changed,
			before: company(bianchi, cooperativa, luca), declared: cooperativa, holder: luca,
			after: company(bianchi, "", luca),
		},
		{
			name: "company declared by its VAT number, which stays, another code", want: changed,
			before: company(bianchi, cooperativa, luca), declared: cooperativa, holder: luca,
			after: company("00743110157", cooperativa, luca),
		},
		{
			name: "company approved, no representative known, another name", want: changed,
			before: company(bianchi, ""), holder: luca,
			after: workflow.Record{Kind: workflow.KindCompany, Name: "IMPRESA", FiscalCode: bianchi},
		},
		{
			name: "company approved, no representative known, now named", want: changed,
			before: company(bianchi, ""), holder: luca, after: company(bianchi, "", luca),
		},
		{
			name: "company approved, no representative known, another named", want: revoked,
			before: company(bianchi, ""), holder: luca, after: company(bianchi, "", sara),
		},
		{
			name: "company approved, no representative known, another company", want: revoked,
			before: company(bianchi, ""), holder: luca, after: company(cooperativa, ""),
		},
		{
			name: "company approved, nothing known, its code is added", want: changed,
			before: company("", ""), declared: bianchi, holder: luca, after: company(bianchi, ""),
		},
		{
			name: "company approved, nothing known, another code", want: revoked,
			before: company("", ""), declared: bianchi, holder: luca, after: company(cooperativa, ""),
		},
		{
			name: "sole trader, a VAT number is added", want: changed,
			before: company(anna, ""), holder: anna, after: company(anna, bianchi),
		},
		{
			name: "sole trader, another", want: revoked,
			before: company(anna, bianchi), declared: bianchi, holder: anna, after: company(sara, bianchi),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := begin(t, c.before)
			if c.declared != "" {
				x.AdvanceTo(qualification.HolderKind)
				x.Must(x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindCompany))
				x.Must(x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "", c.declared))
			}
			x.AdvanceTo(qualification.Identification)
			x.Must(logInAs(x, c.holder))
			x.AdvanceTo(qualification.Qualified) // with an approval if the verdict is unproven
			what, err := x.Cases.SetRecord(x.Context(), "paolo", x.Address, workflow.Active, c.after)
			x.Must(err)
			if what != c.want {
				t.Errorf("result %s, want %s", what, c.want)
			}
			starred := x.Case().Mailbox.Star != nil
			if starred != (c.want != revoked) || starred != (x.State() == qualification.Qualified) || !starred && x.State() != qualification.Revoked {
				t.Errorf("star %v in state %s", starred, x.State())
			}
			if mails := x.Mails(); !starred && !slices.Contains(mails, "revoked "+x.Address) {
				t.Errorf("mails %v", mails)
			}
		})
	}
}

func TestStatusChangeAddsRecord(t *testing.T) {
	x := begin(t, storetest.AnnasRecord)
	_, err := x.Cases.SetRecord(x.Context(), "paolo", x.Address, workflow.Cancelled, storetest.AnnasRecord)
	x.Must(err)
	h := x.History()
	if n := len(h.Records); n != 2 || h.Records[1].Status != workflow.Cancelled || h.Records[1].ImportedBy != "paolo" {
		t.Errorf("records %+v", h.Records)
	}
}

// A status other than active hides the star; active shows it again.
func TestInactiveStatusHidesStar(t *testing.T) {
	x := reach(t, qualification.Qualified)
	for _, s := range []workflow.Status{workflow.MailboxExpired, workflow.Cancelled, workflow.MailboxRevoked, workflow.Active} {
		what, err := x.Cases.SetRecord(x.Context(), "paolo", x.Address, s, storetest.AnnasRecord)
		x.Must(err)
		if c := x.Case(); what != qualification.ImportChanged || c.Mailbox.Status != s || c.Mailbox.Star == nil ||
			c.Qualification.State != qualification.Qualified {
			t.Errorf("%s: %s, %s", s, what, c.Qualification.State)
		}
	}
}

// An unfinished qualification continues, and is finally compared with the record of
// that time.
func TestUnfinishedQualificationUsesNewRecord(t *testing.T) {
	for name, c := range map[string]struct {
		code string
		want qualification.State
	}{
		"the same person": {storetest.Anna, qualification.Qualified},
		"no person known": {"", qualification.UnderReview},
		"another":         {storetest.Sara, qualification.Identification},
	} {
		t.Run(name, func(t *testing.T) {
			x := reach(t, qualification.CodeEntry)
			r := storetest.AnnasRecord
			r.FiscalCode, r.Name = c.code, "A. Neri"
			what, err := x.Cases.SetRecord(x.Context(), "paolo", x.Address, workflow.Active, r)
			if err != nil || what != qualification.ImportChanged {
				t.Fatalf("%s, %v", what, err)
			}
			x.WantState(qualification.CodeEntry)
			err = x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.Code())
			if (err != nil) != (c.want == qualification.Identification) {
				t.Error(err)
			}
			x.WantState(c.want)
		})
	}
}

// A deleted mailbox is unknown to clients. An unfinished qualification ends, and the
// evidence is kept.
func TestDeleteMailbox(t *testing.T) {
	ends := map[qualification.State]qualification.State{qualification.Qualified: qualification.Revoked, qualification.UnderReview: qualification.UnderReview,
		qualification.Revoked: qualification.Revoked, qualification.Expired: qualification.Expired}
	for _, s := range qualification.States {
		t.Run(string(s), func(t *testing.T) {
			w := newWorld(t)
			x := w.RecordInState(t, s)
			before := x.History()
			x.Must(w.Cases.Delete(x.Context(), "paolo", x.Address))
			want, ended := ends[s]
			if !ended {
				want = qualification.Expired
			}
			x.WantState(want)
			c := x.Case()
			if c.Mailbox.Star != nil || !c.Mailbox.Deleted() || c.Mailbox.Status == workflow.Active ||
				c.Mailbox.Record.ImportedBy != "paolo" {
				t.Errorf("%+v", c.Mailbox)
			}
			after := x.History()
			if len(after.Steps) < len(before.Steps) || len(after.Records) != len(before.Records)+1 ||
				len(after.Identities) != len(before.Identities) {
				t.Error("the evidence was deleted")
			}
			if _, err := w.HandOff(x.Context(), x.Address); !errors.Is(err, workflow.ErrUnknown) {
				t.Errorf("hand-off: error %v", err)
			}
			if _, _, err := w.Provider.Summary(x.Context(), storetest.Token, x.Address); !errors.Is(err, workflow.ErrUnknown) {
				t.Errorf("status: error %v", err)
			}
			if err := w.Cases.Delete(x.Context(), "paolo", x.Address); !errors.Is(err, workflow.ErrUnknown) {
				t.Errorf("second deletion: error %v", err)
			}
			if s == qualification.UnderReview {
				if err := w.Cases.Approve(x.Context(), "paolo", x.Address, 0, "visura"); !errors.Is(err, workflow.ErrNotEligible) {
					t.Errorf("approval: error %v", err)
				}
			}

			// A new record restores it without a star.
			what, err := w.Cases.SetRecord(x.Context(), "paolo", x.Address, workflow.Active, storetest.AnnasRecord)
			if err != nil || what != qualification.ImportMade {
				t.Errorf("new record: %s, %v", what, err)
			}
			x.Visitor = x.Enter("another browser")
			if c := x.Case(); c.Mailbox.Star != nil || c.Mailbox.Deleted() {
				t.Errorf("%+v", c.Mailbox)
			}
			if want == qualification.UnderReview {
				x.WantState(qualification.UnderReview)
			} else {
				x.WantState(qualification.HolderChoice)
			}
		})
	}
}
