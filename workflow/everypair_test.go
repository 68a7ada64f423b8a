package workflow_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

// eventActions contains for each event a function that tries to make it happen in any
// state.
var eventActions = map[workflow.Event]func(x *storetest.Journey) error{
	workflow.HolderDeclared: func(x *storetest.Journey) error {
		return x.Procedure.ChooseRole(x.Context(), x.Visitor, x.Form(), workflow.Holder)
	},
	workflow.ProcedureBegun: func(x *storetest.Journey) error { return x.Procedure.Begin(x.Context(), x.Visitor, x.Form()) },
	workflow.HolderDenied: func(x *storetest.Journey) error {
		if x.State() == workflow.Rejected {
			return x.Procedure.PassOn(x.Context(), x.Visitor, x.Form())
		}
		return x.Procedure.ChooseRole(x.Context(), x.Visitor, x.Form(), workflow.Delegate)
	},
	workflow.HolderInvited: func(x *storetest.Journey) error {
		return x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "altro@mail.example")
	},
	workflow.InvitationAccepted:  acceptInvitation,
	workflow.InvitationDeclined:  declineInvitation,
	workflow.InvitationWithdrawn: func(x *storetest.Journey) error { return x.Procedure.Withdraw(x.Context(), x.Visitor, x.Form()) },
	workflow.CompanyChosen: func(x *storetest.Journey) error {
		return x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindCompany)
	},
	workflow.PersonChosen: func(x *storetest.Journey) error {
		return x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindPerson)
	},
	workflow.CompanyEntered: func(x *storetest.Journey) error {
		return x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "Impresa", storetest.Bianchi)
	},
	workflow.CompanyDiffers: func(x *storetest.Journey) error {
		return x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "Impresa", cooperativa)
	},
	workflow.ContactsEntered: func(x *storetest.Journey) error {
		return x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "nuova@mail.example", "")
	},
	workflow.DataCorrected: func(x *storetest.Journey) error {
		d := x.Case().Qualification.Declaration
		if d == nil {
			return x.Procedure.CorrectHolder(x.Context(), x.Visitor, x.Form(), workflow.KindPerson, "", "")
		}
		return x.Procedure.CorrectHolder(x.Context(), x.Visitor, x.Form(), d.Kind, d.CompanyName, d.CompanyCode)
	},
	workflow.DataConfirmed: func(x *storetest.Journey) error { return x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form()) },
	workflow.SteppedBack:   func(x *storetest.Journey) error { return x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()) },
	workflow.LoginStarted:  func(x *storetest.Journey) error { _, err := x.StartLogin(x.Visitor); return err },
	workflow.LoginFailed: func(x *storetest.Journey) error {
		return comeBack(x, func(id string) (string, error) { return x.Park(id, workflow.Answer{Failure: "nr25"}) })
	},
	workflow.HolderMatched: func(x *storetest.Journey) error {
		return comeBack(x, func(id string) (string, error) { return x.Park(id, x.Answer(storetest.Anna)) })
	},
	workflow.HolderUnproven: func(x *storetest.Journey) error {
		return comeBack(x, func(id string) (string, error) { return x.Park(id, x.Answer(annaOmocode)) })
	},
	workflow.HolderDiffers: func(x *storetest.Journey) error {
		return comeBack(x, func(id string) (string, error) { return x.Park(id, x.Answer(storetest.Sara)) })
	},
	workflow.IdentityConfirmed: func(x *storetest.Journey) error { return x.Procedure.ConfirmIdentity(x.Context(), x.Visitor, x.Form()) },
	workflow.IdentityDisowned:  func(x *storetest.Journey) error { return x.Procedure.DisownIdentity(x.Context(), x.Visitor, x.Form()) },
	workflow.IdentityLapsed: func(x *storetest.Journey) error {
		elsewhere := x.Visitor
		elsewhere.Session = workflow.Digest("another browser" + x.Address)
		return x.Procedure.ConfirmIdentity(x.Context(), elsewhere, x.Form())
	},
	workflow.ContactsCorrected: func(x *storetest.Journey) error {
		return x.Procedure.RedirectCode(x.Context(), x.Visitor, x.Form(), "nuova@mail.example", "")
	},
	workflow.ContractRead: func(x *storetest.Journey) error {
		return x.Procedure.AcknowledgeContract(x.Context(), x.Visitor, x.Form(), storetest.Notice)
	},
	workflow.CodeRequested: func(x *storetest.Journey) error {
		x.Clock.Advance(21 * time.Second)
		return x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form())
	},
	workflow.CodeWrong: func(x *storetest.Journey) error {
		return x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.WrongCode())
	},
	workflow.CodeSpent: func(x *storetest.Journey) error {
		for range 4 {
			if err := x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.WrongCode()); !committed(err) {
				return err
			}
		}
		return x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.WrongCode())
	},
	workflow.CodeRight: typeRightCode,
	workflow.CodeRightUnproven: func(x *storetest.Journey) error {
		if x.State() == workflow.CodeEntry { // the record changes before the code is typed
			forgetRecord(x)
		}
		return typeRightCode(x)
	},
	workflow.ReviewApproved: func(x *storetest.Journey) error {
		return x.Cases.Approve(x.Context(), "operatore", x.Address, 0, "visura")
	},
	workflow.ReviewRefused: func(x *storetest.Journey) error {
		return x.Cases.Refuse(x.Context(), "operatore", x.Address, 0, "visura")
	},
	workflow.Retried:      func(x *storetest.Journey) error { return x.Procedure.Retry(x.Context(), x.Visitor, x.Form()) },
	workflow.LoginRetried: func(x *storetest.Journey) error { return x.Procedure.RetryLogin(x.Context(), x.Visitor, x.Form()) },
	workflow.RevokedByProvider: func(x *storetest.Journey) error {
		return x.Cases.Revoke(x.Context(), "operatore", x.Address, 0, "prova")
	},
	workflow.TimedOut: func(x *storetest.Journey) error {
		x.Clock.Advance(workflow.UnfinishedLife + time.Second)
		before := x.Form()
		_, err := x.Cases.ExpireStale(x.Context())
		if err == nil && x.Form() == before { // the job skipped it
			return workflow.ErrNotAllowed
		}
		return err
	},
}

func acceptInvitation(x *storetest.Journey) error {
	if x.Case().Qualification.Invitation == nil {
		return workflow.ErrNotAllowed
	}
	_, err := x.Procedure.AcceptInvitation(x.Context(), x.InvitationSecret(), "it", netip.Addr{}, "")
	return err
}

func declineInvitation(x *storetest.Journey) error {
	if x.Case().Qualification.Invitation == nil {
		return workflow.ErrNotAllowed
	}
	return x.Procedure.DeclineInvitation(x.Context(), x.InvitationSecret(), netip.Addr{}, "")
}

// comeBack returns from the identity provider, with an answer if a login is in
// progress.
func comeBack(x *storetest.Journey, answer func(login string) (string, error)) error {
	secret := "an unknown secret"
	if x.State() == workflow.AtProvider {
		var err error
		if secret, err = answer(x.Case().Qualification.Login.ID); err != nil {
			return err
		}
	}
	return x.Procedure.Return(x.Context(), x.Visitor, secret)
}

func typeRightCode(x *storetest.Journey) error {
	if len(x.Case().Codes) == 0 {
		return x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), "123456")
	}
	return x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.Code())
}

func forgetRecord(x *storetest.Journey) {
	unnamed := workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri"}
	_, err := x.Cases.Record(x.Context(), "tests", x.Address, workflow.Active, unnamed)
	x.Must(err)
}

// committed reports whether err belongs to a step that was committed. Some committed
// steps return an error for the visitor.
func committed(err error) bool {
	var code *workflow.CodeError
	var login *workflow.LoginError
	return err == nil || errors.Is(err, workflow.ErrLoginExpired) && !errors.Is(err, workflow.ErrNotAllowed) ||
		errors.As(err, &code) && (code.Code == "code_wrong" || code.Code == "code_paused") || errors.As(err, &login)
}

// leadsTo looks up the table.
func leadsTo(from workflow.State, e workflow.Event) (workflow.State, bool) {
	for _, t := range workflow.Transitions {
		if t.Event == e && slices.Contains(t.From, from) {
			return t.To, true
		}
	}
	return "", false
}

// recordFor returns a record with which the state can be reached and the event can
// happen.
func recordFor(s workflow.State, e workflow.Event) workflow.Record {
	switch {
	case s == workflow.UnderReview:
		return workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri"}
	case s == workflow.CompanyData, e == workflow.CompanyChosen, e == workflow.CompanyDiffers:
		return storetest.BianchisRecord
	}
	return storetest.AnnasRecord
}

// TestEveryEventInEveryState fires every event in every state. A pair in the table must
// lead to the state of the table, add an entry to the log and be announced if the
// public state changes. Any other pair must be refused without any change.
func TestEveryEventInEveryState(t *testing.T) {
	for _, transition := range workflow.Transitions {
		if eventActions[transition.Event] == nil {
			t.Fatalf("eventActions lacks %s", transition.Event)
		}
	}
	for _, s := range workflow.States {
		t.Run(string(s), func(t *testing.T) {
			w := newWorld(t)
			refusing := map[workflow.Kind]*storetest.Journey{} // refusals change nothing, so one journey serves them all
			for e, fire := range eventActions {
				record := recordFor(s, e)
				to, allowed := leadsTo(s, e)
				if allowed && e != workflow.TimedOut {
					checkAllowedPair(t, w, record, s, e, to, fire)
					continue
				}
				if allowed || s == workflow.Qualified && e == workflow.CompanyChosen {
					continue
				}
				if refusing[record.Kind] == nil {
					if s != workflow.CompanyData && s != workflow.HolderKind {
						record = recordFor(s, "")
					}
					refusing[record.Kind] = bringTo(w.Record(t, record), s)
				}
				checkRefusedPair(refusing[record.Kind], s, e, fire)
			}
			// This event is last because it ends all unfinished qualifications in the
			// database.
			if to, allowed := leadsTo(s, workflow.TimedOut); allowed {
				checkAllowedPair(t, w, recordFor(s, workflow.TimedOut), s, workflow.TimedOut, to, eventActions[workflow.TimedOut])
			}
		})
	}
}

func checkAllowedPair(
	t *testing.T, w *storetest.World, r workflow.Record,
	s workflow.State, e workflow.Event, to workflow.State, fire func(*storetest.Journey) error,
) {
	t.Helper()
	x := w.Record(t, r)
	if e == workflow.InvitationWithdrawn && s != workflow.Invited {
		bringInvited(x, s)
	} else {
		bringTo(x, s)
	}
	before := announcements(x)
	if err := fire(x); !committed(err) {
		t.Errorf("%s: unexpected error: %v", e, err)
		return
	}
	if got := x.State(); got != to {
		t.Errorf("%s: state %s, want %s", e, got, to)
	}
	checkAnnounced(x, announcements(x)[len(before):], s, e, to)
	steps := x.History().Steps
	last := steps[len(steps)-1]
	if last.Event == workflow.CodeRequested && (e == workflow.ContractRead || e == workflow.ContactsCorrected) {
		last = steps[len(steps)-2] // the code, or the one for a new address, was requested in the same step
	}
	if last.Event != e || last.From != s || last.To != to {
		t.Errorf("%s: logged %s from %s to %s", e, last.Event, last.From, last.To)
	}
}

// bringInvited brings an invited holder's procedure to a state, and returns to the
// delegate as the visitor.
func bringInvited(x *storetest.Journey, s workflow.State) {
	x.Helper()
	delegate := x.To(workflow.Invited).Visitor
	x.Visitor = x.Accept()
	if s == workflow.HolderKind {
		x.Visitor = delegate
		return
	}
	x.To(s)
	x.Visitor = delegate
}

func checkRefusedPair(x *storetest.Journey, s workflow.State, e workflow.Event, fire func(*storetest.Journey) error) {
	x.Helper()
	before, clock := databaseState(x), x.Clock.Now()
	if err := fire(x); committed(err) {
		x.Errorf("%s: not refused", e)
	}
	x.Clock.Advance(clock.Sub(x.Clock.Now()))
	if after := databaseState(x); after != before {
		x.Errorf("%s: the database changed:\n%s\n%s", e, before, after)
	}
}

// databaseState returns everything in the database about the mailbox as text.
func databaseState(x *storetest.Journey) string {
	x.Helper()
	var text string
	x.Must(x.Pool().QueryRow(x.Context(), `
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
		from mailboxes m join qualifications q on q.mailbox_id = m.id where m.id = $1`, x.Mailbox).Scan(&text))
	return text
}
