package storetest

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/otp"
	"stella/store"
	"stella/workflow"
)

// World is the procedure on a database of its own, with a webmail that is
// known to it and a clock that the test sets.
type World struct {
	*store.Store
	Procedure *workflow.Procedure
	Clock     *Clock
	Client    workflow.Client // the webmail
}

// What a world knows from the start.
const (
	Token     = "the webmail's token"
	Webmail   = "webmail" // its name; it asks for the mailboxes of Domain
	Domain    = "pec.example"
	ReturnURL = "https://webmail.example/"
	Provider  = "https://idp.example"
	Anna      = "NRENNA80A41H501T"
	Sara      = "VRDSRA82E50L219E"
)

// Key is the server's secret in a world.
var Key = []byte("a secret of tests, of thirty-two bytes or more")

// AnnasRecord names Anna Neri, a person.
var AnnasRecord = workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", FiscalCode: Anna, Email: "anna.neri@mail.example"}

// NewWorld makes a world.
func NewWorld(t testing.TB) *World {
	t.Helper()
	return WorldIn(t, New(t))
}

// WorldIn makes a world of a database that is there.
func WorldIn(t testing.TB, s *store.Store) *World {
	t.Helper()
	w := &World{Store: s, Clock: NewClock()}
	w.Procedure = &workflow.Procedure{Store: s, Key: Key, Limits: otp.Defaults, Now: w.Clock.Now,
		Documents: map[string]workflow.Document{"it": {SHA256: "5ea1", Version: "1.0", Date: w.Clock.Now(), Locale: "it", Body: []byte("<p>…</p>")}}}
	client := workflow.Client{Name: Webmail, Domains: []string{Domain}, ReturnURLs: []string{ReturnURL}, Scopes: []workflow.Scope{workflow.ScopeWebmail}}
	Must(t, s.AddClient(t.Context(), client, workflow.Digest(Token), w.Clock.Now()))
	var err error
	w.Client, err = s.ClientByToken(t.Context(), workflow.Digest(Token), w.Clock.Now())
	Must(t, err)
	return w
}

// Must ends a test that cannot go on.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Journey is the way of one mailbox through the procedure.
type Journey struct {
	*World
	t       testing.TB
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
	j := &Journey{World: w, t: t, Address: address}
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
		r = workflow.Record{Kind: workflow.KindCompany, Name: "Officine Bianchi S.r.l.", FiscalCode: "09876543217", Email: "info@bianchi.example"}
	case workflow.UnderReview: // nobody knows whose mailbox it is
		r.FiscalCode = ""
	}
	j := w.Record(t, r)
	j.To(s)
	return j
}

// To goes on until the state.
func (j *Journey) To(s workflow.State) {
	j.t.Helper()
	for range workflow.States {
		if q := j.Case().Qualification; q != nil && q.State == s {
			return
		}
		j.step(s)
	}
	j.t.Fatalf("%s is at %s, and does not come to %s", j.Address, j.Case().Qualification.State, s)
}

// Case is the case as it stands.
func (j *Journey) Case() *workflow.Case {
	j.t.Helper()
	c, err := j.View(j.t.Context(), j.Mailbox)
	Must(j.t, err)
	return c
}

// Form is the form that fits the case as it stands.
func (j *Journey) Form() workflow.Form {
	j.t.Helper()
	q := j.Case().Qualification
	return workflow.Form{Qualification: q.ID, Version: q.Version}
}

// Enter hands the mailbox's user over to a browser.
func (j *Journey) Enter(browser string) workflow.Visitor {
	j.t.Helper()
	secret, err := j.Procedure.HandOff(j.t.Context(), j.Client, j.Address, ReturnURL, "it", "user-7")
	Must(j.t, err)
	v, err := j.Procedure.Start(j.t.Context(), secret, workflow.Digest(browser), netip.MustParseAddr("192.0.2.7"), "request-1")
	Must(j.t, err)
	return v
}

// LogIn starts a login and returns the id of its request.
func (j *Journey) LogIn() string {
	j.t.Helper()
	l := workflow.Login{ID: "_" + uuid.NewString(), Provider: Provider, ProviderName: "Identità di prova", RelayState: "relay",
		Level: "SpidL2", Comparison: "minimum", StartedAt: j.Clock.Now()}
	Must(j.t, j.Procedure.StartLogin(j.t.Context(), j.Visitor, l, []byte("<AuthnRequest/>")))
	return l.ID
}

// Answer is what an identity provider says of a person.
func (w *World) Answer(fiscalNumber string) workflow.Answer {
	return workflow.Answer{ReceivedAt: w.Clock.Now(), Handle: workflow.Digest(uuid.NewString()), Assertion: &workflow.Assertion{
		AssertionID: "_" + uuid.NewString(), Provider: Provider, ProviderName: "Identità di prova", Level: "SpidL2",
		Name: "Anna", FamilyName: "Neri", FiscalNumber: "TINIT-" + fiscalNumber, AuthenticatedAt: w.Clock.Now()}}
}

// Return comes back from a login as a person.
func (j *Journey) Return(login, fiscalNumber string) {
	j.t.Helper()
	secret, err := j.Procedure.ParkAnswer(j.t.Context(), login, j.Answer(fiscalNumber), []byte("<Response/>"))
	Must(j.t, err)
	Must(j.t, j.Procedure.Return(j.t.Context(), j.Visitor, secret))
}

// SendCode takes the newest code's mail for sent, and returns the code.
func (j *Journey) SendCode() string {
	j.t.Helper()
	var id uuid.UUID
	Must(j.t, j.Pool().QueryRow(j.t.Context(), `
		select m.id from mails m join codes c on c.id = m.code_id join qualifications q on q.id = c.qualification_id
		where q.mailbox_id = $1 and c.spent_at is null`, j.Mailbox).Scan(&id))
	m, err := j.StartMail(j.t.Context(), id, j.Clock.Now())
	Must(j.t, err)
	Must(j.t, j.MailAccepted(j.t.Context(), id, "2.0.0 OK: queued", j.Clock.Now()))
	return otp.Key(Key).Code(m.Nonce)
}

// step makes the next step towards a state.
func (j *Journey) step(to workflow.State) {
	j.t.Helper()
	ctx, p := j.t.Context(), j.Procedure
	q := j.Case().Qualification
	if q == nil {
		j.Visitor = j.Enter("the browser of " + j.Address)
		return
	}
	v, f := j.Visitor, j.Form()
	if to == workflow.Expired {
		j.Clock.Advance(workflow.UnfinishedLife + time.Hour)
		_, err := p.ExpireStale(ctx)
		Must(j.t, err)
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
		kind := workflow.KindPerson
		if j.Case().Mailbox.Record.Kind == workflow.KindCompany {
			kind = workflow.KindCompany
		}
		err = p.ChooseKind(ctx, v, f, kind)
	case workflow.CompanyData:
		err = p.EnterCompany(ctx, v, f, "", j.Case().Mailbox.Record.FiscalCode)
	case workflow.ContactData:
		err = p.EnterContacts(ctx, v, f, j.Case().Mailbox.Record.Email, "")
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
		err = p.AcknowledgeContract(ctx, v, f, p.Documents["it"].SHA256)
	case workflow.CodeEntry:
		err = p.TypeCode(ctx, v, f, j.SendCode())
	case workflow.UnderReview:
		err = p.Approve(ctx, "tests", j.Address, 0, "a document")
	case workflow.Qualified:
		err = p.Revoke(ctx, "tests", j.Address, 0, "a mistake")
	default:
		j.t.Fatalf("there is no way from %s to %s", q.State, to)
	}
	Must(j.t, err)
}
