package storetest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/workflow"
	"stella/workflow/qualification"
)

// Journey is a mailbox that a test takes through the procedure, with its visitor.
type Journey struct {
	testing.TB
	*World
	Address string
	Mailbox int64
	Visitor workflow.Visitor
}

var mailboxes atomic.Int64

// Record creates an active mailbox without a qualification.
func (w *World) Record(t testing.TB, r workflow.Record) *Journey {
	t.Helper()
	return w.RecordAs(t, fmt.Sprintf("mailbox%d@%s", mailboxes.Add(1), Domain), r)
}

// RecordAs creates an active mailbox with the given address.
func (w *World) RecordAs(t testing.TB, address string, r workflow.Record) *Journey {
	t.Helper()
	_, err := w.Cases.SetRecord(t.Context(), "tests", address, workflow.Active, r)
	Must(t, err)
	j := &Journey{TB: t, World: w, Address: address}
	j.Mailbox, err = w.MailboxByAddress(t.Context(), address)
	Must(t, err)
	return j
}

// RecordInState creates a mailbox and takes it to a state by the shortest path.
func (w *World) RecordInState(t testing.TB, s qualification.State) *Journey {
	t.Helper()
	r := AnnasRecord
	switch s {
	case qualification.CompanyData:
		r = BianchisRecord
	case qualification.UnderReview: // the holder is unknown
		r.FiscalCode = ""
	}
	return w.Record(t, r).AdvanceTo(s)
}

// AdvanceTo makes steps until the qualification is in the state.
func (j *Journey) AdvanceTo(s qualification.State) *Journey {
	j.Helper()
	for range qualification.States {
		if q := j.Case().Qualification; q != nil && q.State == s {
			return j
		}
		j.step(s)
	}
	j.Fatalf("%s is in state %s and does not reach %s", j.Address, j.State(), s)
	return nil
}

// Must fails the test immediately if err is not nil.
func (j *Journey) Must(err error) {
	j.Helper()
	Must(j, err)
}

// Case returns the present case, read from the database.
func (j *Journey) Case() *qualification.Case {
	j.Helper()
	c, err := j.View(j.Context(), j.Mailbox)
	j.Must(err)
	c.Now = j.Clock.Now()
	return c
}

// State returns the state of the current qualification.
func (j *Journey) State() qualification.State { return j.Case().Qualification.State }

// WantState fails the test immediately if the case is in another state.
func (j *Journey) WantState(s qualification.State) {
	j.Helper()
	if got := j.State(); got != s {
		j.Fatalf("the state is %s, want %s", got, s)
	}
}

// Form returns a form that matches the present version of the qualification.
func (j *Journey) Form() qualification.Form {
	j.Helper()
	q := j.Case().Qualification
	return qualification.Form{Qualification: q.ID, Version: q.Version}
}

// Enter hands the mailbox's user over to Stella, in the given browser.
func (j *Journey) Enter(browser string) workflow.Visitor {
	j.Helper()
	secret, err := j.HandOff(j.Context(), j.Address)
	j.Must(err)
	v, err := j.Procedure.Start(j.Context(), secret, workflow.Digest(browser), netip.MustParseAddr("192.0.2.7"), "request-1")
	j.Must(err)
	return v
}

// Accept accepts the invitation, and returns the invited holder in another browser.
func (j *Journey) Accept() workflow.Visitor {
	j.Helper()
	v, err := j.Procedure.AcceptInvitation(j.Context(), j.InvitationSecret(), "it", netip.MustParseAddr("192.0.2.8"), "request-2")
	j.Must(err)
	v.Session = workflow.Digest("the holder's browser of " + j.Address)
	return v
}

// InvitationSecret returns the secret in the link of the newest invitation.
func (j *Journey) InvitationSecret() string {
	return workflow.InvitationSecret(j.Procedure.Keys, j.Case().Qualification.Invitation.Nonce)
}

// StartLogin starts a login at the identity provider, and returns the ID of the request.
func (j *Journey) StartLogin(v workflow.Visitor) (string, error) {
	l := workflow.Login{ID: "_" + uuid.NewString(), Provider: Provider, ProviderName: "Identità di prova", RelayState: "relay",
		Level: "SpidL2", Comparison: "minimum", StartedAt: j.Clock.Now()}
	return l.ID, j.Procedure.StartLogin(j.Context(), v, l, []byte("<AuthnRequest/>"))
}

// Answer returns a successful answer of the identity provider, with this fiscal
// number.
func (w *World) Answer(fiscalNumber string) workflow.Answer {
	return workflow.Answer{ReceivedAt: w.Clock.Now(), Handle: workflow.Digest(uuid.NewString()), Assertion: &workflow.Assertion{
		AssertionID: "_" + uuid.NewString(), Provider: Provider, ProviderName: "Identità di prova", Level: "SpidL2",
		Name: "Anna", FamilyName: "Neri", FiscalNumber: "TINIT-" + fiscalNumber, AuthenticatedAt: w.Clock.Now()}}
}

// Park stores the answer to a login, and returns the secret of the one-time cookie.
func (j *Journey) Park(login string, a workflow.Answer) (string, error) {
	return j.Logins.StoreAnswer(j.Context(), login, a, []byte("<Response/>"))
}

// LogIn starts a login and returns the ID of its request.
func (j *Journey) LogIn() string {
	j.Helper()
	id, err := j.StartLogin(j.Visitor)
	j.Must(err)
	return id
}

// Return completes a login as the person with this fiscal number.
func (j *Journey) Return(login, fiscalNumber string) {
	j.Helper()
	secret, err := j.Park(login, j.Answer(fiscalNumber))
	j.Must(err)
	j.Must(j.Procedure.Return(j.Context(), j.Visitor, secret))
}

// SendCode marks the mail of the newest code as sent, and returns the code.
func (j *Journey) SendCode() string {
	j.Helper()
	id := j.CodeMail()
	m, err := StartMail(j.Context(), j.Store, id, j.Clock.Now())
	j.Must(err)
	j.Must(j.MailAccepted(j.Context(), m.Attempt(), "2.0.0 OK: queued", j.Clock.Now()))
	return j.Code()
}

// CodeMail returns the ID of the mail with the newest code.
func (j *Journey) CodeMail() (id uuid.UUID) {
	j.Helper()
	j.Must(j.Pool().QueryRow(j.Context(), `select id from mails where code_id = $1`, j.newestCode().ID).Scan(&id))
	return id
}

// Code returns the digits of the newest code.
func (j *Journey) Code() string { return workflow.CodeDigits(j.Procedure.Keys, j.newestCode().Nonce) }

// newestCode returns the code that can still be used, or the one requested last.
func (j *Journey) newestCode() qualification.Code {
	codes := j.Case().Codes
	return codes[max(0, slices.IndexFunc(codes, func(c qualification.Code) bool { return c.SpentAt.IsZero() }))]
}

// WrongCode returns six digits that match none of the codes.
func (j *Journey) WrongCode() string {
	codes := j.Case().Codes
	for n := 0; ; n++ {
		wrong := fmt.Sprintf("%06d", n)
		if !slices.ContainsFunc(codes, func(c qualification.Code) bool { return workflow.CodeDigits(j.Procedure.Keys, c.Nonce) == wrong }) {
			return wrong
		}
	}
}

// History returns the log of the current qualification with the rows it refers to.
func (j *Journey) History() *qualification.History {
	j.Helper()
	h, err := j.Store.History(j.Context(), j.Mailbox, 0)
	j.Must(err)
	return h
}

// Mails returns the kind and recipient of each mail, in the order of request.
func (j *Journey) Mails() []string {
	j.Helper()
	var all []string
	for _, m := range j.History().Mails {
		all = append(all, string(m.Kind)+" "+m.To)
	}
	return all
}

// step makes the next step on the path to a state.
func (j *Journey) step(to qualification.State) {
	j.Helper()
	ctx, p := j.Context(), j.Procedure
	q := j.Case().Qualification
	if q == nil {
		j.Visitor = j.Enter("the browser of " + j.Address)
		return
	}
	v, f := j.Visitor, j.Form()
	if to == qualification.Expired {
		j.Clock.Advance(qualification.UnfinishedLife + time.Hour)
		_, err := j.Cases.ExpireStale(ctx)
		j.Must(err)
		return
	}
	var err error
	switch q.State {
	case qualification.HolderChoice:
		if to == qualification.HolderInvitation || to == qualification.Invited {
			err = p.ChooseRole(ctx, v, f, qualification.Delegate)
			break
		}
		err = p.ChooseRole(ctx, v, f, qualification.Holder)
	case qualification.HolderInvitation:
		err = p.Invite(ctx, v, f, "holder@mail.example")
	case qualification.Introduction:
		err = p.Begin(ctx, v, f)
	case qualification.HolderKind:
		err = p.ChooseKind(ctx, v, f, cmp.Or(j.Case().Mailbox.Record.Kind, workflow.KindPerson))
	case qualification.CompanyData:
		err = p.EnterCompany(ctx, v, f, "", j.Case().Mailbox.Record.FiscalCode)
	case qualification.ContactData:
		err = p.EnterContacts(ctx, v, f, cmp.Or(j.Case().Mailbox.Record.Email, AnnasRecord.Email), "")
	case qualification.Summary:
		err = p.ConfirmData(ctx, v, f)
	case qualification.Identification:
		j.LogIn()
	case qualification.AtProvider:
		person := Anna
		if to == qualification.Rejected {
			person = Sara
		}
		j.Return(q.Login.ID, person)
	case qualification.Identified:
		err = p.ConfirmIdentity(ctx, v, f)
	case qualification.Contract:
		err = p.AcknowledgeContract(ctx, v, f, Notice)
	case qualification.CodeEntry:
		err = p.TypeCode(ctx, v, f, j.SendCode())
	case qualification.UnderReview:
		err = j.Cases.Approve(ctx, "tests", j.Address, 0, "a document")
	case qualification.Qualified:
		err = j.Cases.Revoke(ctx, "tests", j.Address, 0, "a mistake")
	default:
		j.Fatalf("there is no path from %s to %s", q.State, to)
	}
	j.Must(err)
}
