package qualification_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// eventActions contains for each event a function that tries to make it happen in any
// state.
var eventActions = map[qualification.Event]func(x *storetest.Journey) error{
	qualification.HolderDeclared: func(x *storetest.Journey) error {
		return x.Procedure.ChooseRole(x.Context(), x.Visitor, x.Form(), qualification.Holder)
	},
	qualification.ProcedureBegun: func(x *storetest.Journey) error { return x.Procedure.Begin(x.Context(), x.Visitor, x.Form()) },
	qualification.HolderDenied: func(x *storetest.Journey) error {
		if x.State() == qualification.Rejected {
			return x.Procedure.PassOn(x.Context(), x.Visitor, x.Form())
		}
		return x.Procedure.ChooseRole(x.Context(), x.Visitor, x.Form(), qualification.Delegate)
	},
	qualification.HolderInvited: func(x *storetest.Journey) error {
		return x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "altro@mail.example")
	},
	qualification.InvitationAccepted:  acceptInvitation,
	qualification.InvitationDeclined:  declineInvitation,
	qualification.InvitationWithdrawn: func(x *storetest.Journey) error { return x.Procedure.Withdraw(x.Context(), x.Visitor, x.Form()) },
	qualification.CompanyChosen: func(x *storetest.Journey) error {
		return x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindCompany)
	},
	qualification.PersonChosen: func(x *storetest.Journey) error {
		return x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindPerson)
	},
	qualification.CompanyEntered: func(x *storetest.Journey) error {
		return x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "Impresa", storetest.Bianchi)
	},
	qualification.CompanyDiffers: func(x *storetest.Journey) error {
		return x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "Impresa", cooperativa)
	},
	qualification.ContactsEntered: func(x *storetest.Journey) error {
		return x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "nuova@mail.example", "")
	},
	qualification.DataCorrected: func(x *storetest.Journey) error {
		d := x.Case().Qualification.Declaration
		if d == nil {
			return x.Procedure.CorrectHolder(x.Context(), x.Visitor, x.Form(), workflow.KindPerson, "", "")
		}
		return x.Procedure.CorrectHolder(x.Context(), x.Visitor, x.Form(), d.Kind, d.CompanyName, d.CompanyCode)
	},
	qualification.DataConfirmed: func(x *storetest.Journey) error { return x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form()) },
	qualification.SteppedBack:   func(x *storetest.Journey) error { return x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()) },
	qualification.LoginStarted:  func(x *storetest.Journey) error { _, err := x.StartLogin(x.Visitor); return err },
	qualification.LoginFailed: func(x *storetest.Journey) error {
		return comeBack(x, func(id string) (string, error) { return x.Park(id, workflow.Answer{Failure: "nr25"}) })
	},
	qualification.HolderMatched: func(x *storetest.Journey) error {
		return comeBack(x, func(id string) (string, error) { return x.Park(id, x.Answer(storetest.Anna)) })
	},
	qualification.HolderUnproven: func(x *storetest.Journey) error {
		return comeBack(x, func(id string) (string, error) { return x.Park(id, x.Answer(annaOmocode)) })
	},
	qualification.HolderDiffers: func(x *storetest.Journey) error {
		return comeBack(x, func(id string) (string, error) { return x.Park(id, x.Answer(storetest.Sara)) })
	},
	qualification.IdentityConfirmed: func(x *storetest.Journey) error { return x.Procedure.ConfirmIdentity(x.Context(), x.Visitor, x.Form()) },
	qualification.IdentityDisowned:  func(x *storetest.Journey) error { return x.Procedure.DisownIdentity(x.Context(), x.Visitor, x.Form()) },
	qualification.IdentityLapsed: func(x *storetest.Journey) error {
		elsewhere := x.Visitor
		elsewhere.Session = workflow.Digest("another browser" + x.Address)
		return x.Procedure.ConfirmIdentity(x.Context(), elsewhere, x.Form())
	},
	qualification.ContactsCorrected: func(x *storetest.Journey) error {
		return x.Procedure.RedirectCode(x.Context(), x.Visitor, x.Form(), "nuova@mail.example", "")
	},
	qualification.ContractRead: func(x *storetest.Journey) error {
		return x.Procedure.AcknowledgeContract(x.Context(), x.Visitor, x.Form(), storetest.Notice)
	},
	qualification.CodeRequested: func(x *storetest.Journey) error {
		x.Clock.Advance(21 * time.Second)
		return x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form())
	},
	qualification.CodeWrong: func(x *storetest.Journey) error {
		return x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.WrongCode())
	},
	qualification.CodeSpent: func(x *storetest.Journey) error {
		for range 4 {
			if err := x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.WrongCode()); !committed(err) {
				return err
			}
		}
		return x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.WrongCode())
	},
	qualification.CodeRight: typeRightCode,
	qualification.CodeRightUnproven: func(x *storetest.Journey) error {
		if x.State() == qualification.CodeEntry { // the record changes before the code is typed
			forgetRecord(x)
		}
		return typeRightCode(x)
	},
	qualification.ReviewApproved: func(x *storetest.Journey) error {
		return x.Cases.Approve(x.Context(), "operatore", x.Address, 0, "visura")
	},
	qualification.ReviewRefused: func(x *storetest.Journey) error {
		return x.Cases.Refuse(x.Context(), "operatore", x.Address, 0, "visura")
	},
	qualification.Retried:      func(x *storetest.Journey) error { return x.Procedure.Retry(x.Context(), x.Visitor, x.Form()) },
	qualification.LoginRetried: func(x *storetest.Journey) error { return x.Procedure.RetryLogin(x.Context(), x.Visitor, x.Form()) },
	qualification.RevokedByProvider: func(x *storetest.Journey) error {
		return x.Cases.Revoke(x.Context(), "operatore", x.Address, 0, "prova")
	},
	qualification.TimedOut: func(x *storetest.Journey) error {
		x.Clock.Advance(qualification.UnfinishedLife + time.Second)
		before := x.Form()
		_, err := x.Cases.ExpireStale(x.Context())
		if err == nil && x.Form() == before { // the job skipped it
			return qualification.ErrNotAllowed
		}
		return err
	},
}

func acceptInvitation(x *storetest.Journey) error {
	if x.Case().Qualification.Invitation == nil {
		return qualification.ErrNotAllowed
	}
	_, err := x.Procedure.AcceptInvitation(x.Context(), x.InvitationSecret(), "it", netip.Addr{}, "")
	return err
}

func declineInvitation(x *storetest.Journey) error {
	if x.Case().Qualification.Invitation == nil {
		return qualification.ErrNotAllowed
	}
	return x.Procedure.DeclineInvitation(x.Context(), x.InvitationSecret(), netip.Addr{}, "")
}

// comeBack returns from the identity provider, with an answer if a login is in
// progress.
func comeBack(x *storetest.Journey, answer func(login string) (string, error)) error {
	secret := "an unknown secret"
	if x.State() == qualification.AtProvider {
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
	_, err := x.Cases.SetRecord(x.Context(), "tests", x.Address, workflow.Active, unnamed)
	x.Must(err)
}

// committed reports whether err belongs to a step that was committed. Some committed
// steps return an error for the visitor.
func committed(err error) bool {
	var code *qualification.CodeError
	var login *qualification.LoginError
	return err == nil || errors.Is(err, qualification.ErrLoginExpired) && !errors.Is(err, qualification.ErrNotAllowed) ||
		errors.As(err, &code) && (code.Code == "code_wrong" || code.Code == "code_paused") || errors.As(err, &login)
}

// leadsTo looks up the table.
func leadsTo(from qualification.State, e qualification.Event) (qualification.State, bool) {
	for _, t := range qualification.Transitions {
		if t.Event == e && slices.Contains(t.From, from) {
			return t.To, true
		}
	}
	return "", false
}

// recordFor returns a record with which the state can be reached and the event can
// happen.
func recordFor(s qualification.State, e qualification.Event) workflow.Record {
	switch {
	case s == qualification.UnderReview:
		return workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri"}
	case s == qualification.CompanyData, e == qualification.CompanyChosen, e == qualification.CompanyDiffers:
		return storetest.BianchisRecord
	}
	return storetest.AnnasRecord
}

// TestEveryEventInEveryState fires every event in every state. A pair in the table must
// lead to the state of the table, add an entry to the log and be announced if the
// public state changes. Any other pair must be refused without any change.
func TestEveryEventInEveryState(t *testing.T) {
	for _, transition := range qualification.Transitions {
		if eventActions[transition.Event] == nil {
			t.Fatalf("eventActions lacks %s", transition.Event)
		}
	}
	for _, s := range qualification.States {
		t.Run(string(s), func(t *testing.T) {
			w := newWorld(t)
			refusing := map[workflow.Kind]*storetest.Journey{} // refusals change nothing, so one journey serves them all
			for e, fire := range eventActions {
				record := recordFor(s, e)
				to, allowed := leadsTo(s, e)
				if allowed && e != qualification.TimedOut {
					checkAllowedPair(t, w, record, s, e, to, fire)
					continue
				}
				if allowed || s == qualification.Qualified && e == qualification.CompanyChosen {
					continue
				}
				if refusing[record.Kind] == nil {
					if s != qualification.CompanyData && s != qualification.HolderKind {
						record = recordFor(s, "")
					}
					refusing[record.Kind] = bringTo(w.Record(t, record), s)
				}
				checkRefusedPair(refusing[record.Kind], s, e, fire)
			}
			// This event is last because it ends all unfinished qualifications in the
			// database.
			if to, allowed := leadsTo(s, qualification.TimedOut); allowed {
				checkAllowedPair(t, w, recordFor(s, qualification.TimedOut), s, qualification.TimedOut, to, eventActions[qualification.TimedOut])
			}
		})
	}
}

func checkAllowedPair(
	t *testing.T, w *storetest.World, r workflow.Record,
	s qualification.State, e qualification.Event, to qualification.State, fire func(*storetest.Journey) error,
) {
	t.Helper()
	x := w.Record(t, r)
	if e == qualification.InvitationWithdrawn && s != qualification.Invited {
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
	if last.Event == qualification.CodeRequested && (e == qualification.ContractRead || e == qualification.ContactsCorrected) {
		last = steps[len(steps)-2] // the code, or the one for a new address, was requested in the same step
	}
	if last.Event != e || last.From != s || last.To != to {
		t.Errorf("%s: logged %s from %s to %s", e, last.Event, last.From, last.To)
	}
}

// bringInvited brings an invited holder's procedure to a state, and returns to the
// delegate as the visitor.
func bringInvited(x *storetest.Journey, s qualification.State) {
	x.Helper()
	delegate := x.AdvanceTo(qualification.Invited).Visitor
	x.Visitor = x.Accept()
	if s == qualification.HolderKind {
		x.Visitor = delegate
		return
	}
	x.AdvanceTo(s)
	x.Visitor = delegate
}

func checkRefusedPair(x *storetest.Journey, s qualification.State, e qualification.Event, fire func(*storetest.Journey) error) {
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
			(select count(*) from mail_queue),
			(select count(*) from river_job))
		from mailboxes m join qualifications q on q.mailbox_id = m.id where m.id = $1`, x.Mailbox).Scan(&text))
	return text
}
