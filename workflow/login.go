package workflow

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"stella/workflow/fiscal"
)

// Login is a request to an identity provider, with the data needed to check the answer.
type Login struct {
	ID            string    // of the request
	Qualification uuid.UUID // uuid.Nil for a test login
	Provider      string    // the identity provider's entity ID
	ProviderName  string
	RelayState    string
	Level         string // requested
	Comparison    string
	Session       []byte // digest of the browser session that sent the request
	StartedAt     time.Time
	Answer        *Answer // verified, but not yet fetched by the session that sent the request
	Failure       string  // the provider's error code, or "suspended"; empty if the login succeeded or has no answer yet
}

// Answer is a verified response of an identity provider: a person, or an error code.
type Answer struct {
	Handle     []byte     `json:"-"`                   // digest of the one-time cookie
	Assertion  *Assertion `json:"assertion,omitempty"` // nil if the login failed
	Failure    string     `json:"failure,omitempty"`   // "nr25", …
	SHA256     string     `json:"sha256"`              // of the response, in hexadecimal
	ReceivedAt time.Time  `json:"received_at"`
}

// Assertion is the identity that an identity provider asserts.
type Assertion struct {
	AssertionID     string    `json:"id"`
	Provider        string    `json:"provider"`
	ProviderName    string    `json:"provider_name"`
	Level           string    `json:"level"` // reached, which may be higher than requested
	Name            string    `json:"name"`
	FamilyName      string    `json:"family_name"`
	FiscalNumber    string    `json:"fiscal_number"` // a valid fiscal.Person in a stored assertion
	DateOfBirth     string    `json:"date_of_birth,omitempty"`
	PersonCode      string    `json:"person_code,omitempty"` // the provider's own ID of the person, SPID's spidCode; CIE has none
	AuthenticatedAt time.Time `json:"authenticated_at"`

	// The company of a professional identity, as the provider asserts it. It proves
	// that the person belongs to the company, but not that they may represent it. No
	// decision depends on it (AgID, determination 318/2019, article 1).
	CompanyName         string `json:"company_name,omitempty"`
	CompanyFiscalNumber string `json:"company_fiscal_number,omitempty"`
	CompanyVATNumber    string `json:"company_vat_number,omitempty"`
}

// ErrNoPerson is returned for an assertion whose fiscal number is not a valid codice
// fiscale. Such a person cannot be compared with a record.
var ErrNoPerson = errors.New("the fiscal number is not a person's")

// normalized returns the assertion with its codes as they are stored in records: in
// capitals, without blanks and without the prefixes TINIT- and VATIT- of SPID. The
// codes of the company are not validated, because no decision depends on them.
func (a Assertion) normalized() (Assertion, error) {
	person, err := fiscal.ParsePerson(a.FiscalNumber)
	if err != nil {
		return a, fmt.Errorf("%w: %w", ErrNoPerson, err)
	}
	a.FiscalNumber = string(person)
	a.CompanyFiscalNumber = strings.TrimPrefix(fiscal.Clean(a.CompanyFiscalNumber), "TINIT-")
	a.CompanyVATNumber = strings.TrimPrefix(fiscal.Clean(a.CompanyVATNumber), "VATIT-")
	return a, nil
}

// FullName returns first name and family name.
func (a Assertion) FullName() string { return a.Name + " " + a.FamilyName }

// Logins is the part of Store for logins and their messages.
type Logins interface {
	// LoginByID returns ErrUnknown if there is no such login.
	LoginByID(ctx context.Context, id string) (Login, error)
	// ArchiveMessage archives a message of a login outside a step.
	ArchiveMessage(ctx context.Context, m Message) error
	// AddTrial stores a test login with its request.
	AddTrial(ctx context.Context, l Login, m Message) error
	// LoginIdentified reports whether the answer to a login has identified a person.
	LoginIdentified(ctx context.Context, id string) (bool, error)
	// ClaimAnswer stores the answer of a login until it is fetched. An answer without a
	// handle belongs to a test login and is only archived. It returns ErrUnknown if the
	// login has an answer already, or the assertion was used before.
	ClaimAnswer(ctx context.Context, login string, a Answer, m Message) error
	// DiscardAnswers deletes stored answers: the one with this handle, and those of
	// this session.
	DiscardAnswers(ctx context.Context, handle, session []byte) error
}

// Message is a complete message of a login for the archive. The store encrypts it with
// the auditor's public key.
type Message struct {
	ID         uuid.UUID
	Login      string
	Direction  string // "request" or "response"
	Body       []byte
	ReceivedAt time.Time
}

// SHA256 returns the digest of the body in hexadecimal. The log contains it, so that an
// auditor can verify that the archived message is the one that was decided on.
func (m Message) SHA256() string {
	sum := sha256.Sum256(m.Body)
	return hex.EncodeToString(sum[:])
}

// LoginError is returned for a login that failed at the identity provider.
type LoginError struct {
	Code string // the provider's error code: "nr25", …
}

func (e *LoginError) Error() string { return "login failed: " + e.Code }

// AnswerLife is how long a verified answer waits for the browser that sent the request.
const AnswerLife = 10 * time.Minute

// MayLogIn reports whether the visitor's page can start a login.
func (c *Case) MayLogIn(v Visitor) bool {
	switch c.Stage(v) {
	case Identification, AtProvider:
		return c.CanAct(v)
	}
	return false
}

// StartLogin records the request that the visitor's browser is about to send to an
// identity provider. It returns ErrSuspended if the provider is suspended. Only the
// answer to the newest request of a qualification is accepted.
func (p *Procedure) StartLogin(ctx context.Context, v Visitor, l Login, request []byte) error {
	if err := p.admit(ctx, loginsPerNetwork, v.Address); err != nil {
		return err
	}
	return p.step(ctx, v, func(c *Case) error {
		q := c.Qualification
		if !c.CanAct(v) {
			return ErrNotOwner
		}
		if isSuspended(c.Suspensions, l.Provider) {
			return ErrSuspended
		}
		if c.LoginExpired(v) && q.State != AtProvider {
			if err := c.lapse(nil); err != nil {
				return err
			}
		}
		l.Qualification, l.Session = q.ID, v.Session
		m := Message{ID: newID(), Login: l.ID, Direction: "request", Body: request, ReceivedAt: c.Now}
		err := c.fire(LoginStarted, Refs{"login": l.ID, "provider": l.Provider, "level": l.Level, "request_sha256": m.SHA256()})
		if err != nil {
			return err
		}
		c.clearLogin()
		q.Login = &l
		c.add(p.spend(loginsPerMailbox, strconv.FormatInt(c.Mailbox.ID, 10)), l, m)
		return nil
	})
}

// Login returns the request that an answer refers to. For a request that is too old it
// returns the login and ErrUnknown, so that the answer can still be archived.
func (p *Procedure) Login(ctx context.Context, id string) (Login, error) {
	l, err := p.Store.LoginByID(ctx, id)
	if err != nil {
		return l, err
	}
	if p.Now().After(l.StartedAt.Add(LoginLife)) {
		return l, ErrUnknown
	}
	return l, nil
}

// StoreAnswer stores a verified answer until the browser that sent the request comes
// back with the secret returned here. It accepts only the first answer to a request,
// and each assertion once; otherwise it returns ErrUnknown. It returns ErrNoPerson if
// the assertion does not name a person.
func (p *Procedure) StoreAnswer(ctx context.Context, login string, a Answer, response []byte) (string, error) {
	if a.Assertion != nil {
		assertion, err := a.Assertion.normalized()
		if err != nil {
			return "", err
		}
		a.Assertion = &assertion
	}
	secret := rand.Text()
	now := p.Now()
	m := Message{ID: newID(), Login: login, Direction: "response", Body: response, ReceivedAt: now}
	a.Handle, a.ReceivedAt, a.SHA256 = Digest(secret), now, m.SHA256()
	return secret, p.Store.ClaimAnswer(ctx, login, a, m)
}

// Answered reports whether a login has already identified a person. A second answer is
// then a repetition: the browser's Back button leads to a page of the provider that
// posts it again.
func (p *Procedure) Answered(ctx context.Context, l Login) (bool, error) {
	if l.ID == "" || l.Trial() {
		return false, nil
	}
	return p.Store.LoginIdentified(ctx, l.ID)
}

// ArchiveRefused archives an answer to a known request that failed verification.
func (p *Procedure) ArchiveRefused(ctx context.Context, l Login, response []byte) error {
	err := p.Store.ArchiveMessage(ctx, Message{ID: newID(), Login: l.ID, Direction: "response", Body: response, ReceivedAt: p.Now()})
	if err == nil && p.Observer.Refused != nil {
		p.Observer.Refused(l.Provider)
	}
	return err
}

// DiscardAnswer deletes the stored answer of a secret. It is called for a browser
// without a session.
func (p *Procedure) DiscardAnswer(ctx context.Context, secret string) error {
	return p.Store.DiscardAnswers(ctx, Digest(secret), nil)
}

// Return applies a stored answer if the one-time secret comes with the session that
// sent the request. The first visit without both deletes it. It returns a LoginError if
// the login failed, and ErrSuspended if the provider has been suspended since; both are
// steps too. A later visit of the session without a secret returns the same error
// again.
func (p *Procedure) Return(ctx context.Context, v Visitor, secret string) error {
	err := p.step(ctx, v, func(c *Case) error { return c.applyAnswer(v, secret) })
	if errors.Is(err, ErrNotOwner) {
		return errors.Join(err, p.Store.DiscardAnswers(ctx, Digest(secret), v.Session))
	}
	return err
}

func (c *Case) applyAnswer(v Visitor, secret string) error {
	q := c.Qualification
	if secret == "" && c.failedFor(v) {
		return q.Login.failureError()
	}
	if !c.CanAct(v) || q.State != AtProvider || !c.ownsLogin(v) {
		return ErrNotOwner
	}
	a := q.Login.Answer
	if a == nil || subtle.ConstantTimeCompare(a.Handle, Digest(secret)) != 1 || c.Now.After(a.ReceivedAt.Add(AnswerLife)) {
		return ErrNotOwner
	}
	q.Login.Answer = nil
	refs := c.recordRef()
	refs["login"], refs["provider"], refs["response_sha256"] = q.Login.ID, q.Login.Provider, a.SHA256
	if c.ProviderSuspended() {
		q.Login.Failure = suspendedFailure
	} else if a.Assertion == nil {
		q.Login.Failure = cmp.Or(a.Failure, unknownFailure)
	}
	if q.Login.Failure != "" {
		refs["failure"] = q.Login.Failure
		if err := c.fire(LoginFailed, refs); err != nil {
			return err
		}
		return answered{q.Login.failureError()}
	}
	identity := Identity{ID: newID(), Qualification: q.ID, Login: q.Login.ID, Assertion: *a.Assertion, IdentifiedAt: c.Now}
	q.Identity = &identity
	c.add(identity)

	verdict := c.judge()
	refs["identity"], refs["assertion"], refs["level"] = identity.ID.String(), identity.AssertionID, identity.Level
	refs["declaration"], refs["verdict"] = q.Declaration.ID.String(), string(verdict)
	if err := c.fire(verdictEvents[verdict], refs); err != nil {
		return err
	}
	if verdict == Differs {
		c.reject(ReasonHolder, "")
	}
	return nil
}

// The failures of a login that are not error codes of the provider.
const (
	suspendedFailure = "suspended"
	unknownFailure   = "unknown" // the provider gave no code
)

// failureError returns the error for a login that failed.
func (l Login) failureError() error {
	if l.Failure == suspendedFailure {
		return ErrSuspended
	}
	return &LoginError{Code: l.Failure}
}

// failedFor reports whether the newest login was the visitor's, it failed, and nothing
// happened since.
func (c *Case) failedFor(v Visitor) bool {
	q := c.Qualification
	return c.CanAct(v) && q.State == Identification && q.Login != nil && q.Login.Failure != "" && string(q.Login.Session) == string(v.Session)
}

var verdictEvents = map[Verdict]Event{Matched: HolderMatched, Unproven: HolderUnproven, Differs: HolderDiffers}

// judge compares the identified person with the current record.
func (c *Case) judge() Verdict {
	q := c.Qualification
	if q.Identity == nil || q.Declaration == nil {
		return Differs
	}
	return c.Mailbox.Record.judge(*q.Declaration, q.Identity.FiscalNumber)
}

// ConfirmIdentity records that the visitor is the person shown.
func (p *Procedure) ConfirmIdentity(ctx context.Context, v Visitor, f Form) error {
	return p.act(ctx, v, f, IdentityConfirmed)
}

// DisownIdentity records that the visitor is not the person shown, or is in the wrong
// mailbox's procedure.
func (p *Procedure) DisownIdentity(ctx context.Context, v Visitor, f Form) error {
	return p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, true, IdentityDisowned); err != nil {
			return err
		}
		if err := c.fire(IdentityDisowned, Refs{"login": c.Qualification.Login.ID}); err != nil {
			return err
		}
		c.clearLogin()
		return nil
	})
}
