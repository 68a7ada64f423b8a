package storetest

import (
	"context"
	"testing"

	"stella/otp"
	"stella/store"
	"stella/workflow"
	"stella/workflow/qualification"
)

// World is the procedure on its own database, with one registered webmail and a
// clock that the test controls.
type World struct {
	*store.Store
	Procedure *qualification.Procedure // the holder's side
	Cases     *qualification.Cases     // the provider's side
	Provider  *workflow.Provider
	Logins    *workflow.Logins
	Sessions  *workflow.Sessions
	Clock     *Clock
	Client    workflow.Client // the webmail
}

// Data that every World contains.
const (
	Token     = "the webmail's token"
	Webmail   = "webmail" // its name; it may ask for the mailboxes of Domain
	Domain    = "pec.example"
	ReturnURL = "https://webmail.example/"
	Provider  = "https://idp.example"
	Notice    = "5ea1" // the digest of the contract notice

	Anna    = "NRENNA80A41H501T"
	Luca    = "BNCLCU75C12F205G"
	Sara    = "VRDSRA82E50L219E"
	Bianchi = "09876543217" // a company, represented by Luca
)

// Key is the server's secret, and Keys contains only it.
var (
	Key  = []byte("a secret of tests, of thirty-two bytes or more")
	Keys = workflow.Keys{Key}
)

// AnnasRecord is the record of Anna Neri, a person.
var AnnasRecord = workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", FiscalCode: Anna, Email: "anna.neri@mail.example"}

// BianchisRecord is the record of a company that Luca Bianchi represents.
var BianchisRecord = workflow.Record{Kind: workflow.KindCompany, Name: "Officine Bianchi S.r.l.", FiscalCode: Bianchi,
	Representatives: []workflow.Representative{{FiscalCode: Luca, Name: "Luca Bianchi"}}, Email: "amministrazione@bianchi.example"}

// NewWorld creates a World on an empty database.
func NewWorld(t testing.TB) *World {
	t.Helper()
	return WorldIn(t, New(t))
}

// WorldIn creates a World on an existing database.
func WorldIn(t testing.TB, s *store.Store) *World {
	t.Helper()
	w := &World{Store: s, Clock: NewClock()}
	notice := workflow.Document{SHA256: Notice, Version: "1.0", Date: w.Clock.Now(), Locale: "it", Body: []byte("<p>…</p>")}
	w.Cases = &qualification.Cases{Store: s, Now: w.Clock.Now}
	w.Procedure = &qualification.Procedure{
		Cases:     w.Cases,
		Keys:      Keys,
		Limits:    otp.Defaults,
		Documents: map[string]workflow.Document{"it": notice},
	}
	w.Provider = &workflow.Provider{Store: s, Keys: Keys, Now: w.Clock.Now}
	w.Logins = &workflow.Logins{Store: s, Keys: Keys, Now: w.Clock.Now}
	w.Sessions = &workflow.Sessions{Store: s, Now: w.Clock.Now}
	client := workflow.Client{
		Name:       Webmail,
		Domains:    []string{Domain},
		ReturnURLs: []string{ReturnURL},
		Scopes:     []workflow.Scope{workflow.ScopeWebmail},
	}
	Must(t, s.AddClient(t.Context(), client, workflow.Digest(Token), w.Clock.Now()))
	var err error
	w.Client, err = s.ClientByToken(t.Context(), workflow.Digest(Token), w.Clock.Now())
	Must(t, err)
	return w
}

// Another returns a second instance of the procedure on the same database.
func (w *World) Another() *qualification.Procedure {
	p, cases := *w.Procedure, *w.Cases
	p.Cases = &cases
	return &p
}

// InRealTime makes the clock show the machine's time. It is for tests in which
// something else uses the machine's clock, such as another process, the job queue or
// a certificate.
func (w *World) InRealTime() *World {
	w.Clock.Follow()
	return w
}

// HandOff requests a hand-off link as the webmail does, and returns its secret.
func (w *World) HandOff(ctx context.Context, address string) (string, error) {
	return w.Provider.HandOff(ctx, w.Client, address, ReturnURL, "it", "user-7")
}

// Must fails the test immediately if err is not nil.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
