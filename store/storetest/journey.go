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
)

// Journey is a mailbox's progress through the procedure, with its visitor.
type Journey struct {
	testing.TB
	*World
	Address string
	Mailbox int64
	Visitor workflow.Visitor
}

var mailboxes atomic.Int64

// Record makes an active mailbox, whose way has not begun.
func (w *World) Record(t testing.TB, r workflow.Record) *Journey {
	t.Helper()
	return w.RecordAs(t, fmt.Sprintf("mailbox%d@%s", mailboxes.Add(1), Domain), r)
}

// RecordAs makes an active mailbox with an address.
func (w *World) RecordAs(t testing.TB, address string, r workflow.Record) *Journey {
	t.Helper()
	_, err := w.Procedure.Record(t.Context(), "tests", address, workflow.Active, r)
	Must(t, err)
	j := &Journey{TB: t, World: w, Address: address}
	j.Mailbox, err = w.MailboxByAddress(t.Context(), address)
	Must(t, err)
	return j
}

// Reach takes a new mailbox to a state, on the shortest way.
func (w *World) Reach(t testing.TB, s workflow.State) *Journey {
	t.Helper()
	r := AnnasRecord
	switch s {
	case workflow.CompanyData:
		r = BianchisRecord
	case workflow.UnderReview: // nobody knows whose mailbox it is
		r.FiscalCode = ""
	}
	return w.Record(t, r).To(s)
}

// To goes on until the state.
func (j *Journey) To(s workflow.State) *Journey {
	j.Helper()
	for range workflow.States {
		if q := j.Case().Qualification; q != nil && q.State == s {
			return j
		}
		j.step(s)
	}
	j.Fatalf("%s is at %s, and does not come to %s", j.Address, j.State(), s)
	return nil
}

// Must ends a test that cannot go on.
func (j *Journey) Must(err error) {
	j.Helper()
	Must(j, err)
}

// Case is the case as it stands.
func (j *Journey) Case() *workflow.Case {
	j.Helper()
	c, err := j.View(j.Context(), j.Mailbox)
	j.Must(err)
	c.Now = j.Clock.Now()
	return c
}

// State is the state of the case.
func (j *Journey) State() workflow.State { return j.Case().Qualification.State }

// IsAt ends a test whose case is in any other state.
func (j *Journey) IsAt(s workflow.State) {
	j.Helper()
	if got := j.State(); got != s {
		j.Fatalf("the state is %s, want %s", got, s)
	}
}

// Form is the form that fits the case as it stands.
func (j *Journey) Form() workflow.Form {
	j.Helper()
	q := j.Case().Qualification
	return workflow.Form{Qualification: q.ID, Version: q.Version}
}

// Enter hands the mailbox's user over to a browser.
func (j *Journey) Enter(browser string) workflow.Visitor {
	j.Helper()
	secret, err := j.HandOff(j.Context(), j.Address)
	j.Must(err)
	v, err := j.Procedure.Start(j.Context(), secret, workflow.Digest(browser), netip.MustParseAddr("192.0.2.7"), "request-1")
	j.Must(err)
	return v
}

// Accept lets the invited holder in, with a browser of their own.
func (j *Journey) Accept() workflow.Visitor {
	j.Helper()
	v, err := j.Procedure.AcceptInvitation(j.Context(), j.InvitationSecret(), "it", netip.MustParseAddr("192.0.2.8"), "request-2")
	j.Must(err)
	v.Session = workflow.Digest("the holder's browser of " + j.Address)
	return v
}

// InvitationSecret is what the newest invitation's link holds.
func (j *Journey) InvitationSecret() string {
	return workflow.InvitationSecret(j.Procedure.Keys, j.Case().Qualification.Invitation.Nonce)
}

// StartLogin goes to the identity provider with a request, and returns its id.
func (j *Journey) StartLogin(v workflow.Visitor) (string, error) {
	l := workflow.Login{ID: "_" + uuid.NewString(), Provider: Provider, ProviderName: "Identità di prova", RelayState: "relay",
		Level: "SpidL2", Comparison: "minimum", StartedAt: j.Clock.Now()}
	return l.ID, j.Procedure.StartLogin(j.Context(), v, l, []byte("<AuthnRequest/>"))
}

// Answer is what an identity provider says of a person.
func (w *World) Answer(fiscalNumber string) workflow.Answer {
	return workflow.Answer{ReceivedAt: w.Clock.Now(), Handle: workflow.Digest(uuid.NewString()), Assertion: &workflow.Assertion{
		AssertionID: "_" + uuid.NewString(), Provider: Provider, ProviderName: "Identità di prova", Level: "SpidL2",
		Name: "Anna", FamilyName: "Neri", FiscalNumber: "TINIT-" + fiscalNumber, AuthenticatedAt: w.Clock.Now()}}
}

// Park parks an answer to a request, and returns the secret of the one-time
// cookie.
func (j *Journey) Park(login string, a workflow.Answer) (string, error) {
	return j.Procedure.ParkAnswer(j.Context(), login, a, []byte("<Response/>"))
}

// LogIn starts a login and returns the id of its request.
func (j *Journey) LogIn() string {
	j.Helper()
	id, err := j.StartLogin(j.Visitor)
	j.Must(err)
	return id
}

// Return comes back from a login as a person.
func (j *Journey) Return(login, fiscalNumber string) {
	j.Helper()
	secret, err := j.Park(login, j.Answer(fiscalNumber))
	j.Must(err)
	j.Must(j.Procedure.Return(j.Context(), j.Visitor, secret))
}

// SendCode takes the newest code's mail for sent, and returns the code.
func (j *Journey) SendCode() string {
	j.Helper()
	id := j.CodeMail()
	_, err := j.StartMail(j.Context(), id, j.Clock.Now())
	j.Must(err)
	j.Must(j.MailAccepted(j.Context(), id, "2.0.0 OK: queued", j.Clock.Now()))
	return j.Code()
}

// CodeMail is the mail of the newest code.
func (j *Journey) CodeMail() (id uuid.UUID) {
	j.Helper()
	j.Must(j.Pool().QueryRow(j.Context(), `select id from mails where code_id = $1`, j.newestCode().ID).Scan(&id))
	return id
}

// Code is what the newest code's mail says.
func (j *Journey) Code() string { return workflow.CodeDigits(j.Procedure.Keys, j.newestCode().Nonce) }

// newestCode is the one that may still be used, or the one asked for last.
func (j *Journey) newestCode() workflow.Code {
	codes := j.Case().Codes
	return codes[max(0, slices.IndexFunc(codes, func(c workflow.Code) bool { return c.SpentAt.IsZero() }))]
}

// WrongCode is a code that is right for none that was asked for.
func (j *Journey) WrongCode() string {
	codes := j.Case().Codes
	for n := 0; ; n++ {
		wrong := fmt.Sprintf("%06d", n)
		if !slices.ContainsFunc(codes, func(c workflow.Code) bool { return workflow.CodeDigits(j.Procedure.Keys, c.Nonce) == wrong }) {
			return wrong
		}
	}
}

// History is the log of the case in force, and all that it refers to.
func (j *Journey) History() *workflow.History {
	j.Helper()
	h, err := j.Store.History(j.Context(), j.Mailbox, 0)
	j.Must(err)
	return h
}

// Mails are the kinds and recipients of the mails asked for, in order.
func (j *Journey) Mails() []string {
	j.Helper()
	var all []string
	for _, m := range j.History().Mails {
		all = append(all, string(m.Kind)+" "+m.To)
	}
	return all
}

// step makes the next step towards a state.
func (j *Journey) step(to workflow.State) {
	j.Helper()
	ctx, p := j.Context(), j.Procedure
	q := j.Case().Qualification
	if q == nil {
		j.Visitor = j.Enter("the browser of " + j.Address)
		return
	}
	v, f := j.Visitor, j.Form()
	if to == workflow.Expired {
		j.Clock.Advance(workflow.UnfinishedLife + time.Hour)
		_, err := p.ExpireStale(ctx)
		j.Must(err)
		return
	}
	var err error
	switch q.State {
	case workflow.HolderChoice:
		if to == workflow.HolderInvitation || to == workflow.Invited {
			err = p.ChooseRole(ctx, v, f, workflow.Delegate)
			break
		}
		err = p.ChooseRole(ctx, v, f, workflow.Holder)
	case workflow.HolderInvitation:
		err = p.Invite(ctx, v, f, "holder@mail.example")
	case workflow.Introduction:
		err = p.Begin(ctx, v, f)
	case workflow.HolderKind:
		err = p.ChooseKind(ctx, v, f, cmp.Or(j.Case().Mailbox.Record.Kind, workflow.KindPerson))
	case workflow.CompanyData:
		err = p.EnterCompany(ctx, v, f, "", j.Case().Mailbox.Record.FiscalCode)
	case workflow.ContactData:
		err = p.EnterContacts(ctx, v, f, cmp.Or(j.Case().Mailbox.Record.Email, AnnasRecord.Email), "")
	case workflow.Summary:
		err = p.ConfirmData(ctx, v, f)
	case workflow.Identification:
		j.LogIn()
	case workflow.AtProvider:
		person := Anna
		if to == workflow.Rejected {
			person = Sara
		}
		j.Return(q.Login.ID, person)
	case workflow.Identified:
		err = p.ConfirmIdentity(ctx, v, f)
	case workflow.Contract:
		err = p.AcknowledgeContract(ctx, v, f, Notice)
	case workflow.CodeEntry:
		err = p.TypeCode(ctx, v, f, j.SendCode())
	case workflow.UnderReview:
		err = p.Approve(ctx, "tests", j.Address, 0, "a document")
	case workflow.Qualified:
		err = p.Revoke(ctx, "tests", j.Address, 0, "a mistake")
	default:
		j.Fatalf("there is no way from %s to %s", q.State, to)
	}
	j.Must(err)
}
