package storetest

import (
	"context"
	"testing"

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
	Notice    = "5ea1" // the digest of the contract notice

	Anna    = "NRENNA80A41H501T"
	Luca    = "BNCLCU75C12F205G"
	Sara    = "VRDSRA82E50L219E"
	Bianchi = "09876543217" // a company, represented by Luca
)

// Key is the server's secret in a world, and Keys are it alone.
var (
	Key  = []byte("a secret of tests, of thirty-two bytes or more")
	Keys = workflow.Keys{Key}
)

// AnnasRecord names Anna Neri, a person.
var AnnasRecord = workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", FiscalCode: Anna, Email: "anna.neri@mail.example"}

// BianchisRecord names a company that Luca Bianchi represents.
var BianchisRecord = workflow.Record{Kind: workflow.KindCompany, Name: "Officine Bianchi S.r.l.", FiscalCode: Bianchi,
	Representatives: []workflow.Representative{{FiscalCode: Luca, Name: "Luca Bianchi"}}, Email: "amministrazione@bianchi.example"}

// NewWorld makes a world.
func NewWorld(t testing.TB) *World {
	t.Helper()
	return WorldIn(t, New(t))
}

// WorldIn makes a world of a database that is there.
func WorldIn(t testing.TB, s *store.Store) *World {
	t.Helper()
	w := &World{Store: s, Clock: NewClock()}
	w.Procedure = &workflow.Procedure{Store: s, Keys: Keys, Limits: otp.Defaults, Now: w.Clock.Now,
		Documents: map[string]workflow.Document{"it": {SHA256: Notice, Version: "1.0", Date: w.Clock.Now(), Locale: "it", Body: []byte("<p>…</p>")}}}
	client := workflow.Client{Name: Webmail, Domains: []string{Domain}, ReturnURLs: []string{ReturnURL}, Scopes: []workflow.Scope{workflow.ScopeWebmail}}
	Must(t, s.AddClient(t.Context(), client, workflow.Digest(Token), w.Clock.Now()))
	var err error
	w.Client, err = s.ClientByToken(t.Context(), workflow.Digest(Token), w.Clock.Now())
	Must(t, err)
	return w
}

// Another is a second instance on the same database.
func (w *World) Another() *workflow.Procedure {
	p := w.Procedure
	return &workflow.Procedure{Store: p.Store, Keys: p.Keys, Limits: p.Limits, Documents: p.Documents, Now: p.Now}
}

// InRealTime makes the world's clock run with the machine's, for a test in which
// something else reads that one: another process, the queue, a certificate.
func (w *World) InRealTime() *World {
	w.Clock.Follow()
	return w
}

// HandOff asks for the link that brings a mailbox's user here, as the webmail
// does, and returns its secret.
func (w *World) HandOff(ctx context.Context, address string) (string, error) {
	return w.Procedure.HandOff(ctx, w.Client, address, ReturnURL, "it", "user-7")
}

// Must ends a test that cannot go on.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
