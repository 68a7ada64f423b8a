package workflow_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"stella/workflow"
)

// outcomes makes each event happen, or tries to, whatever the state.
var outcomes = map[workflow.Event]func(x *walk) error{
	workflow.HolderDeclared:      func(x *walk) error { return x.p.ChooseRole(x.ctx, x.v, x.form(), workflow.Holder) },
	workflow.ProcedureBegun:      func(x *walk) error { return x.p.Begin(x.ctx, x.v, x.form()) },
	workflow.HolderDenied:        func(x *walk) error { return x.p.ChooseRole(x.ctx, x.v, x.form(), workflow.Delegate) },
	workflow.HolderInvited:       func(x *walk) error { return x.p.Invite(x.ctx, x.v, x.form(), "altro@mail.example") },
	workflow.InvitationAccepted:  acceptInvitation,
	workflow.InvitationDeclined:  declineInvitation,
	workflow.InvitationWithdrawn: func(x *walk) error { return x.p.Withdraw(x.ctx, x.v, x.form()) },
	workflow.CompanyChosen: func(x *walk) error {
		return x.p.ChooseKind(x.ctx, x.v, x.form(), workflow.KindCompany)
	},
	workflow.PersonChosen: func(x *walk) error {
		return x.p.ChooseKind(x.ctx, x.v, x.form(), workflow.KindPerson)
	},
	workflow.CompanyEntered: func(x *walk) error { return x.p.EnterCompany(x.ctx, x.v, x.form(), "Impresa", bianchi) },
	workflow.CompanyDiffers: func(x *walk) error { return x.p.EnterCompany(x.ctx, x.v, x.form(), "Impresa", cooperativa) },
	workflow.ContactsEntered: func(x *walk) error {
		return x.p.EnterContacts(x.ctx, x.v, x.form(), "nuova@mail.example", "")
	},
	workflow.DataCorrected: func(x *walk) error {
		d := x.view().Qualification.Declaration
		if d == nil {
			return x.p.CorrectHolder(x.ctx, x.v, x.form(), workflow.KindPerson, "", "")
		}
		return x.p.CorrectHolder(x.ctx, x.v, x.form(), d.Kind, d.CompanyName, d.CompanyCode)
	},
	workflow.DataConfirmed: func(x *walk) error { return x.p.ConfirmData(x.ctx, x.v, x.form()) },
	workflow.SteppedBack:   func(x *walk) error { return x.p.StepBack(x.ctx, x.v, x.form()) },
	workflow.LoginStarted:  func(x *walk) error { _, err := x.startLogin(x.v); return err },
	workflow.LoginFailed:   func(x *walk) error { return x.comeBack(func(id string) (string, error) { return x.fail(id, "nr25") }) },
	workflow.HolderMatched: func(x *walk) error { return x.comeBack(func(id string) (string, error) { return x.answer(id, anna) }) },
	workflow.HolderUnproven: func(x *walk) error {
		return x.comeBack(func(id string) (string, error) { return x.answer(id, annaOmocode) })
	},
	workflow.HolderDiffers:     func(x *walk) error { return x.comeBack(func(id string) (string, error) { return x.answer(id, sara) }) },
	workflow.IdentityConfirmed: func(x *walk) error { return x.p.ConfirmIdentity(x.ctx, x.v, x.form()) },
	workflow.IdentityDisowned:  func(x *walk) error { return x.p.DisownIdentity(x.ctx, x.v, x.form()) },
	workflow.IdentityLapsed: func(x *walk) error {
		elsewhere := x.v
		elsewhere.Session = workflow.Digest("another browser" + x.address)
		return x.p.ConfirmIdentity(x.ctx, elsewhere, x.form())
	},
	workflow.ContactsCorrected: func(x *walk) error {
		return x.p.RedirectCode(x.ctx, x.v, x.form(), "nuova@mail.example", "")
	},
	workflow.ContractRead: func(x *walk) error { return x.p.AcknowledgeContract(x.ctx, x.v, x.form(), "d1") },
	workflow.CodeRequested: func(x *walk) error {
		x.clock.Advance(21 * time.Second)
		return x.p.RequestCode(x.ctx, x.v, x.form())
	},
	workflow.CodeWrong: func(x *walk) error { return x.p.TypeCode(x.ctx, x.v, x.form(), "000000") },
	workflow.CodeSpent: func(x *walk) error {
		for range 4 {
			if err := x.p.TypeCode(x.ctx, x.v, x.form(), x.wrongCode()); !made(err) {
				return err
			}
		}
		return x.p.TypeCode(x.ctx, x.v, x.form(), x.wrongCode())
	},
	workflow.CodeRight: typeRightCode,
	workflow.CodeRightUnproven: func(x *walk) error {
		if x.state() == workflow.CodeEntry { // the register forgets meanwhile
			x.forgetRecord()
		}
		return typeRightCode(x)
	},
	workflow.ReviewApproved:    func(x *walk) error { return x.p.Approve(x.ctx, "operatore", x.address, 0, "visura") },
	workflow.ReviewRefused:     func(x *walk) error { return x.p.Refuse(x.ctx, "operatore", x.address, 0, "visura") },
	workflow.Retried:           func(x *walk) error { return x.p.Retry(x.ctx, x.v, x.form()) },
	workflow.LoginRetried:      func(x *walk) error { return x.p.RetryLogin(x.ctx, x.v, x.form()) },
	workflow.RevokedByProvider: func(x *walk) error { return x.p.Revoke(x.ctx, "operatore", x.address, 0, "prova") },
	workflow.TimedOut: func(x *walk) error {
		x.clock.Advance(workflow.UnfinishedLife + time.Second)
		before := x.form()
		_, err := x.p.ExpireStale(x.ctx)
		if err == nil && x.form() == before { // the job passed it over
			return workflow.ErrNotAllowed
		}
		return err
	},
}

func acceptInvitation(x *walk) error {
	if x.view().Qualification.Invitation == nil {
		return workflow.ErrNotAllowed
	}
	_, err := x.p.AcceptInvitation(x.ctx, x.invitationSecret(), "it", netip.Addr{}, "")
	return err
}

func declineInvitation(x *walk) error {
	if x.view().Qualification.Invitation == nil {
		return workflow.ErrNotAllowed
	}
	return x.p.DeclineInvitation(x.ctx, x.invitationSecret(), netip.Addr{}, "")
}

// comeBack returns from the identity provider, if one was sent there.
func (x *walk) comeBack(answer func(login string) (string, error)) error {
	secret := "a secret of nobody's"
	if x.state() == workflow.AtProvider {
		var err error
		if secret, err = answer(x.view().Qualification.Login.ID); err != nil {
			return err
		}
	}
	return x.p.Return(x.ctx, x.v, secret)
}

func typeRightCode(x *walk) error {
	if len(x.view().Codes) == 0 {
		return x.p.TypeCode(x.ctx, x.v, x.form(), "123456")
	}
	return x.p.TypeCode(x.ctx, x.v, x.form(), x.code())
}

func (x *walk) forgetRecord() {
	_, err := x.p.Record(x.ctx, "tests", x.address, workflow.Active, workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri"})
	x.must(err)
}

// made tells the outcomes of steps that were made, among the errors that tell
// the visitor something.
func made(err error) bool {
	var code *workflow.CodeError
	var login *workflow.LoginError
	return err == nil || errors.Is(err, workflow.ErrLapsed) && !errors.Is(err, workflow.ErrNotAllowed) ||
		errors.As(err, &code) && code.Counted || errors.As(err, &login)
}

// leadsTo reads the table.
func leadsTo(from workflow.State, e workflow.Event) (workflow.State, bool) {
	for _, row := range workflow.Events {
		if row.Name == string(e) && slices.Contains(row.Src, string(from)) {
			return workflow.State(row.Dst), true
		}
	}
	return "", false
}

// recordFor is the record under which a state can be reached and an event can
// happen.
func recordFor(s workflow.State, e workflow.Event) workflow.Record {
	switch {
	case s == workflow.UnderReview:
		return workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri"}
	case s == workflow.CompanyData, e == workflow.CompanyChosen, e == workflow.CompanyDiffers:
		return companyRecord
	}
	return personRecord
}

// Every event is fired in every state. A pair of the table leads where it says
// and writes its row of the log; any other is refused and leaves no trace.
func TestEveryEventInEveryState(t *testing.T) {
	for _, row := range workflow.Events {
		if outcomes[workflow.Event(row.Name)] == nil {
			t.Fatalf("nothing here makes %s happen", row.Name)
		}
	}
	for _, s := range workflow.States {
		t.Run(string(s), func(t *testing.T) {
			w := newWorld(t)
			refusing := map[workflow.Kind]*walk{} // refusals leave no trace: one walk serves them all
			for e, fire := range outcomes {
				record := recordFor(s, e)
				to, allowed := leadsTo(s, e)
				if allowed && e != workflow.TimedOut {
					w.pairLeads(record, s, e, to, fire)
					continue
				}
				if allowed || s == workflow.Qualified && e == workflow.CompanyChosen {
					continue
				}
				if refusing[record.Kind] == nil {
					if s != workflow.CompanyData && s != workflow.HolderKind {
						record = recordFor(s, "")
					}
					refusing[record.Kind] = w.begin(record).to(s)
				}
				refusing[record.Kind].pairIsRefused(s, e, fire)
			}
			// Last, since it ends whatever is unfinished in the database.
			if to, allowed := leadsTo(s, workflow.TimedOut); allowed {
				w.pairLeads(recordFor(s, workflow.TimedOut), s, workflow.TimedOut, to, outcomes[workflow.TimedOut])
			}
		})
	}
}

func (w *world) pairLeads(r workflow.Record, s workflow.State, e workflow.Event, to workflow.State, fire func(*walk) error) {
	w.t.Helper()
	x := w.begin(r)
	if e == workflow.InvitationWithdrawn && s != workflow.Invited {
		x.underWay(s)
	} else {
		x.to(s)
	}
	if err := fire(x); !made(err) {
		w.t.Errorf("%s: refused: %v", e, err)
		return
	}
	if got := x.state(); got != to {
		w.t.Errorf("%s: leads to %s, want %s", e, got, to)
	}
	h, err := x.db.History(x.ctx, x.mailbox, 0)
	w.must(err)
	last := h.Steps[len(h.Steps)-1]
	if last.Event == workflow.CodeRequested && e == workflow.ContractRead {
		last = h.Steps[len(h.Steps)-2] // the first code leaves in the same step
	}
	if last.Event == workflow.CodeRequested && e == workflow.ContactsCorrected {
		last = h.Steps[len(h.Steps)-2] // a new code leaves for the new address
	}
	if last.Event != e || last.From != s || last.To != to {
		w.t.Errorf("%s: the log says %s from %s to %s", e, last.Event, last.From, last.To)
	}
}

// underWay brings an invited holder's procedure to a state; the delegate looks on.
func (x *walk) underWay(s workflow.State) {
	x.t.Helper()
	delegate := x.v
	x.to(workflow.Invited)
	x.v = x.accept()
	if s == workflow.HolderKind {
		x.v = delegate
		return
	}
	x.to(s)
	x.v = delegate
}

func (x *walk) pairIsRefused(s workflow.State, e workflow.Event, fire func(*walk) error) {
	x.t.Helper()
	before, clock := x.trace(), x.clock.Now()
	if err := fire(x); made(err) {
		x.t.Errorf("%s: not refused", e)
	}
	x.clock.Advance(clock.Sub(x.clock.Now()))
	if after := x.trace(); after != before {
		x.t.Errorf("%s: left a trace:\n%s\n%s", e, before, after)
	}
}

// trace is everything that the database knows of the mailbox.
func (x *walk) trace() string {
	x.t.Helper()
	var trace string
	x.must(x.db.Pool().QueryRow(x.ctx, `
		select concat_ws(' ', m, q,
			(select count(*) from records where mailbox_id = m.id),
			(select count(*) from steps s where s.qualification_id = q.id),
			(select count(*) from declarations d where d.qualification_id = q.id),
			(select string_agg(i::text, ' ' order by i.id) from invitations i where i.qualification_id = q.id),
			(select string_agg(l::text, ' ' order by l.id) from logins l where l.qualification_id = q.id),
			(select count(*) from identities i where i.qualification_id = q.id),
			(select string_agg(c::text, ' ' order by c.id) from codes c where c.qualification_id = q.id),
			(select count(*) from decisions d where d.qualification_id = q.id),
			(select count(*) from mails a where a.qualification_id = q.id),
			(select count(*) from river_job))
		from mailboxes m join qualifications q on q.mailbox_id = m.id where m.id = $1`, x.mailbox).Scan(&trace))
	return trace
}
