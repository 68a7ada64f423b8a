package workflow_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/otp"
	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

const (
	anna  = "NRENNA80A41H501T"
	luca  = "BNCLCU75C12F205G"
	sara  = "VRDSRA82E50L219E"
	paola = "CNTPLA70H55A944H"
	// The same person as anna, told apart from another by letters for digits.
	annaOmocode = "NRENNA80A41H50ML"

	bianchi     = "09876543217"
	cooperativa = "02468135799"
)

// world is a procedure on a database of its own.
type world struct {
	t       *testing.T
	ctx     context.Context
	db      *store.Store
	p       *workflow.Procedure
	clock   *storetest.Clock
	webmail workflow.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return newWorldIn(t)
}

// newWorldIn is for a test with several worlds.
func newWorldIn(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), db: storetest.New(t), clock: storetest.NewClock()}
	w.p = &workflow.Procedure{Store: w.db, Key: []byte("a key of the tests, of thirty-two bytes"), Limits: otp.Defaults, Now: w.clock.Now,
		Documents: map[string]workflow.Document{"it": {SHA256: "d1", Version: "1.0", Date: w.clock.Now(), Locale: "it", Body: []byte("…")}}}
	client := workflow.Client{Name: "webmail", Domains: []string{"pec.example"}, ReturnURLs: []string{"https://webmail.example/"}, Scopes: []workflow.Scope{workflow.ScopeWebmail}}
	w.must(w.db.AddClient(w.ctx, client, workflow.Digest("token"), w.clock.Now()))
	var err error
	w.webmail, err = w.db.ClientByToken(w.ctx, workflow.Digest("token"), w.clock.Now())
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

var personRecord = workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", FiscalCode: anna, Email: "anna.neri@mail.example"}

var companyRecord = workflow.Record{Kind: workflow.KindCompany, Name: "Officine Bianchi S.r.l.", FiscalCode: bianchi,
	Representatives: []workflow.Representative{{FiscalCode: luca, Name: "Luca Bianchi"}}, Email: "amministrazione@bianchi.example"}

// walk is one mailbox and the visitor who takes it further.
type walk struct {
	*world
	address string
	mailbox int64
	v       workflow.Visitor
}

var mailboxes atomic.Int64

// begin makes a mailbox and hands its user over.
func (w *world) begin(r workflow.Record) *walk {
	w.t.Helper()
	x := &walk{world: w, address: fmt.Sprintf("casella%d@pec.example", mailboxes.Add(1))}
	_, err := w.p.Record(w.ctx, "tests", x.address, workflow.Active, r)
	w.must(err)
	x.mailbox, err = w.db.MailboxByAddress(w.ctx, x.address)
	w.must(err)
	x.v = x.enter("first browser")
	return x
}

// enter hands the mailbox's user over to a browser.
func (x *walk) enter(browser string) workflow.Visitor {
	x.t.Helper()
	secret, err := x.p.HandOff(x.ctx, x.webmail, x.address, "https://webmail.example/", "it", "user-7")
	x.must(err)
	v, err := x.p.Start(x.ctx, secret, workflow.Digest(browser+x.address), netip.MustParseAddr("192.0.2.7"), "request-1")
	x.must(err)
	return v
}

func (x *walk) view() *workflow.Case {
	x.t.Helper()
	c, err := x.db.View(x.ctx, x.mailbox)
	x.must(err)
	c.Now = x.clock.Now()
	return c
}

func (x *walk) state() workflow.State { return x.view().Qualification.State }

func (x *walk) stage(v workflow.Visitor) workflow.State { return x.view().Stage(v) }

func (x *walk) form() workflow.Form {
	q := x.view().Qualification
	return workflow.Form{Qualification: q.ID, Version: q.Version}
}

func (x *walk) want(s workflow.State) {
	x.t.Helper()
	if got := x.state(); got != s {
		x.t.Fatalf("the state is %s, want %s", got, s)
	}
}

// startLogin sends the visitor to the identity provider.
func (x *walk) startLogin(v workflow.Visitor) (string, error) {
	id := "_" + uuid.NewString()
	return id, x.p.StartLogin(x.ctx, v, workflow.Login{ID: id, Provider: "https://idp.example", ProviderName: "Identità di prova",
		RelayState: "relay", Level: "SpidL2", Comparison: "minimum", StartedAt: x.clock.Now()}, []byte("<AuthnRequest/>"))
}

// answer parks what the identity provider says of a person, and returns the
// secret of the one-time cookie.
func (x *walk) answer(login, fiscalNumber string) (string, error) {
	return x.p.ParkAnswer(x.ctx, login, workflow.Answer{Assertion: &workflow.Assertion{AssertionID: "_" + uuid.NewString(),
		Provider: "https://idp.example", ProviderName: "Identità di prova", Level: "SpidL2", Name: "Nome", FamilyName: "Cognome",
		FiscalNumber: fiscalNumber, AuthenticatedAt: x.clock.Now()}}, []byte("<Response/>"))
}

func (x *walk) fail(login, code string) (string, error) {
	return x.p.ParkAnswer(x.ctx, login, workflow.Answer{Failure: code}, []byte("<Response/>"))
}

// logIn goes to the identity provider and comes back as a person.
func (x *walk) logIn(fiscalNumber string) error {
	x.t.Helper()
	login, err := x.startLogin(x.v)
	x.must(err)
	secret, err := x.answer(login, fiscalNumber)
	x.must(err)
	return x.p.Return(x.ctx, x.v, secret)
}

// relayAccepts lets the mail of the newest code leave.
func (x *walk) relayAccepts() {
	x.t.Helper()
	id := x.codeMail()
	_, err := x.db.StartMail(x.ctx, id, x.clock.Now())
	x.must(err)
	x.must(x.db.MailAccepted(x.ctx, id, "250 OK", x.clock.Now()))
}

func (x *walk) codeMail() (id uuid.UUID) {
	x.t.Helper()
	x.must(x.db.Pool().QueryRow(x.ctx, `select id from mails where code_id = $1`, x.view().Codes[0].ID).Scan(&id))
	return id
}

// code is what the newest code mail says.
func (x *walk) code() string { return otp.Key(x.p.Key).Code(x.view().Codes[0].Nonce) }

// wrongCode is a code that is right for none that was sent.
func (x *walk) wrongCode() string {
	for n := 0; ; n++ {
		wrong := fmt.Sprintf("%06d", n)
		hit := false
		for _, c := range x.view().Codes {
			hit = hit || otp.Key(x.p.Key).Check(c.Nonce, wrong)
		}
		if !hit {
			return wrong
		}
	}
}

// mails are the kinds and recipients of the mails asked for, in order.
func (x *walk) mails() []string {
	x.t.Helper()
	h, err := x.db.History(x.ctx, x.mailbox, 0)
	x.must(err)
	var all []string
	for _, m := range h.Mails {
		all = append(all, string(m.Kind)+" "+m.To)
	}
	return all
}

// to brings a mailbox, whose holder is a person on record, to a state.
func (x *walk) to(s workflow.State) *walk {
	x.t.Helper()
	steps := map[workflow.State]func(){
		workflow.Introduction:     func() { x.must(x.p.ChooseRole(x.ctx, x.v, x.form(), workflow.Holder)) },
		workflow.HolderInvitation: func() { x.must(x.p.ChooseRole(x.ctx, x.v, x.form(), workflow.Delegate)) },
		workflow.Invited: func() {
			x.to(workflow.HolderInvitation)
			x.must(x.p.Invite(x.ctx, x.v, x.form(), "titolare@mail.example"))
		},
		workflow.HolderKind: func() {
			x.to(workflow.Introduction)
			x.must(x.p.Begin(x.ctx, x.v, x.form()))
		},
		workflow.CompanyData: func() {
			x.to(workflow.HolderKind)
			x.must(x.p.ChooseKind(x.ctx, x.v, x.form(), workflow.KindCompany))
		},
		workflow.ContactData: func() {
			x.to(workflow.HolderKind)
			kind := x.view().Mailbox.Record.Kind
			if kind == workflow.KindUnknown {
				kind = workflow.KindPerson
			}
			x.must(x.p.ChooseKind(x.ctx, x.v, x.form(), kind))
			if kind == workflow.KindCompany {
				x.must(x.p.EnterCompany(x.ctx, x.v, x.form(), "", x.view().Mailbox.Record.FiscalCode))
			}
		},
		workflow.Summary: func() {
			x.to(workflow.ContactData)
			x.must(x.p.EnterContacts(x.ctx, x.v, x.form(), "anna.neri@mail.example", ""))
		},
		workflow.Identification: func() {
			x.to(workflow.Summary)
			x.must(x.p.ConfirmData(x.ctx, x.v, x.form()))
		},
		workflow.AtProvider: func() {
			x.to(workflow.Identification)
			_, err := x.startLogin(x.v)
			x.must(err)
		},
		workflow.Identified: func() {
			x.to(workflow.Identification)
			x.must(x.logIn(anna))
		},
		workflow.Rejected: func() {
			x.to(workflow.Identification)
			x.must(x.logIn(sara))
		},
		workflow.Contract: func() {
			x.to(workflow.Identified)
			x.must(x.p.ConfirmIdentity(x.ctx, x.v, x.form()))
		},
		workflow.CodeEntry: func() {
			x.to(workflow.Contract)
			x.must(x.p.AcknowledgeContract(x.ctx, x.v, x.form(), "d1"))
			x.relayAccepts()
		},
		workflow.Qualified: func() {
			x.to(workflow.CodeEntry)
			x.must(x.p.TypeCode(x.ctx, x.v, x.form(), x.code()))
		},
		workflow.UnderReview: func() {
			x.to(workflow.CodeEntry)
			x.must(x.p.TypeCode(x.ctx, x.v, x.form(), x.code()))
		},
		workflow.Revoked: func() {
			x.to(workflow.Qualified)
			x.must(x.p.Revoke(x.ctx, "operatore", x.address, 0, "prova"))
		},
		workflow.Expired: func() {
			later := x.another()
			later.Now = func() time.Time { return x.clock.Now().Add(workflow.UnfinishedLife + time.Second) }
			_, err := later.ExpireStale(x.ctx)
			x.must(err)
		},
	}
	if x.state() != s {
		steps[s]()
	}
	x.want(s)
	return x
}

// accept lets the invited holder in, and makes them the one who walks.
func (x *walk) accept() workflow.Visitor {
	x.t.Helper()
	v, err := x.p.AcceptInvitation(x.ctx, x.invitationSecret(), "it", netip.MustParseAddr("192.0.2.8"), "request-2")
	x.must(err)
	v.Session = workflow.Digest("the holder's browser" + x.address)
	return v
}

func (x *walk) invitationSecret() string {
	return workflow.InvitationSecret(x.p.Key, x.view().Qualification.Invitation.Nonce)
}

func isStale(err error) bool {
	var stale workflow.StaleError
	return errors.As(err, &stale)
}
