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

// Login is a request to an identity provider, as far as its answer needs it.
type Login struct {
	ID            string    // of the request
	Qualification uuid.UUID // none for a trial
	Provider      string    // the provider's identifier
	ProviderName  string
	RelayState    string
	Level         string // asked for
	Comparison    string
	Session       []byte // digest of the browser session that asked
	StartedAt     time.Time
	Answer        *Answer // parked: verified, and not yet met by the session that asked
	Failure       string  // why it identified nobody: the provider's code, or "suspended"; empty if it did, or nothing is known
}

// Answer is what an identity provider said: who the person is, or why not.
type Answer struct {
	Handle     []byte     `json:"-"`                   // digest of the one-time cookie
	Assertion  *Assertion `json:"assertion,omitempty"` // nil when the login failed
	Failure    string     `json:"failure,omitempty"`   // "nr25", …
	SHA256     string     `json:"sha256"`              // of the response, in hexadecimal
	ReceivedAt time.Time  `json:"received_at"`
}

// Assertion is what an identity provider vouches for.
type Assertion struct {
	AssertionID     string    `json:"id"`
	Provider        string    `json:"provider"`
	ProviderName    string    `json:"provider_name"`
	Level           string    `json:"level"` // reached, which may be higher than asked
	Name            string    `json:"name"`
	FamilyName      string    `json:"family_name"`
	FiscalNumber    string    `json:"fiscal_number"` // a fiscal.Person, once it is kept
	DateOfBirth     string    `json:"date_of_birth,omitempty"`
	PersonCode      string    `json:"person_code,omitempty"` // the provider's own, SPID's spidCode; CIE has none
	AuthenticatedAt time.Time `json:"authenticated_at"`

	// The company of a professional identity, as the provider tells it. It is
	// evidence that the person belongs to it, and none of a power to represent
	// it: nothing is decided on it (AgID, determination 318/2019, article 1).
	CompanyName         string `json:"company_name,omitempty"`
	CompanyFiscalNumber string `json:"company_fiscal_number,omitempty"`
	CompanyVATNumber    string `json:"company_vat_number,omitempty"`
}

// ErrNoPerson is an answer that names a person by what is no codice fiscale. It
// can neither be compared with a record nor be told to be another person's.
var ErrNoPerson = errors.New("the fiscal number is no person's")

// normalized returns the assertion with its codes as records have them: without
// the prefixes of SPID, TINIT- and VATIT-, without blanks, and in capitals. The
// company's are evidence and nothing is decided on them, so they may be any.
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

// FullName is the person's name as people write it.
func (a Assertion) FullName() string { return a.Name + " " + a.FamilyName }

// Logins is the part of Store that keeps them, and what was said in them.
type Logins interface {
	// LoginByID returns ErrUnknown for a login that there is not.
	LoginByID(ctx context.Context, id string) (Login, error)
	// KeepMessage archives a message of a login that no step writes.
	KeepMessage(ctx context.Context, m Message) error
	// AddTrial keeps a login that belongs to no mailbox, with its request.
	AddTrial(ctx context.Context, l Login, m Message) error
	// LoginIdentified reports whether the answer to a login has identified
	// somebody.
	LoginIdentified(ctx context.Context, id string) (bool, error)
	// ClaimAnswer parks the answer of a login, or, where it has no handle, that of
	// a trial, which is not kept; ErrUnknown when it is not the first for this
	// login, or its assertion was seen before.
	ClaimAnswer(ctx context.Context, login string, a Answer, m Message) error
	// DiscardAnswers destroys parked answers: the one with this handle, and
	// those of this session.
	DiscardAnswers(ctx context.Context, handle, session []byte) error
}

// Message is one message of a login, kept whole for the archive; the store
// encrypts it to the auditor.
type Message struct {
	ID         uuid.UUID
	Login      string
	Direction  string // "request" or "response"
	Body       []byte
	ReceivedAt time.Time
}

// SHA256 is the digest of the body, in hexadecimal. The log keeps it, so that
// what the archive holds can be told to be what was decided on.
func (m Message) SHA256() string {
	sum := sha256.Sum256(m.Body)
	return hex.EncodeToString(sum[:])
}

// LoginError tells why a login identified nobody.
type LoginError struct {
	Code string // the provider's: "nr25", …
}

func (e *LoginError) Error() string { return "login failed: " + e.Code }

// AnswerLife is for how long a verified answer waits for the browser that asked.
const AnswerLife = 10 * time.Minute

// MayLogIn reports whether a login can be started from what the visitor sees.
func (c *Case) MayLogIn(v Visitor) bool {
	switch c.Stage(v) {
	case Identification, AtProvider:
		return c.Owns(v)
	}
	return false
}

// StartLogin records the request that the visitor's browser is about to carry
// to an identity provider; ErrSuspended for one whose logins are stopped. Only
// the newest request of a qualification may be answered.
func (p *Procedure) StartLogin(ctx context.Context, v Visitor, l Login, request []byte) error {
	if err := p.admit(ctx, loginsPerNetwork, v.Address); err != nil {
		return err
	}
	return p.step(ctx, v, func(c *Case) error {
		q := c.Qualification
		if !c.Owns(v) {
			return ErrElsewhere
		}
		if stopped(c.Suspensions, l.Provider) {
			return ErrSuspended
		}
		if c.Lapsed(v) && q.State != AtProvider {
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
		c.forgetLogin()
		q.Login = &l
		c.add(p.spend(loginsPerMailbox, strconv.FormatInt(c.Mailbox.ID, 10)), l, m)
		return nil
	})
}

// Login finds the request that an answer names. One that is too old is
// returned too, with ErrUnknown: its answer is still archived.
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

// ParkAnswer keeps a verified answer until the browser that asked for it comes
// back with the secret returned here. It takes the first answer to a request
// only, and no assertion twice: otherwise ErrUnknown; and none that names nobody,
// ErrNoPerson.
func (p *Procedure) ParkAnswer(ctx context.Context, login string, a Answer, response []byte) (string, error) {
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

// Answered reports whether a login has identified somebody, so that another
// answer to it is the same one once more: the browser's Back leads to a page of
// the provider that posts it again.
func (p *Procedure) Answered(ctx context.Context, l Login) (bool, error) {
	if l.ID == "" || l.Trial() {
		return false, nil
	}
	return p.Store.LoginIdentified(ctx, l.ID)
}

// KeepRefused archives an answer to a known request that did not stand up to
// its verification.
func (p *Procedure) KeepRefused(ctx context.Context, l Login, response []byte) error {
	err := p.Store.KeepMessage(ctx, Message{ID: newID(), Login: l.ID, Direction: "response", Body: response, ReceivedAt: p.Now()})
	if err == nil && p.Observer.Refused != nil {
		p.Observer.Refused(l.Provider)
	}
	return err
}

// DiscardAnswer destroys the parked answer of a secret, for a browser that has
// no procedure here.
func (p *Procedure) DiscardAnswer(ctx context.Context, secret string) error {
	return p.Store.DiscardAnswers(ctx, Digest(secret), nil)
}

// Return applies a parked answer, where the one-time secret meets the session
// that asked. The first visit without both destroys it. A LoginError tells a
// login that failed, and ErrSuspended one with a provider that was suspended
// meanwhile; both are steps too. If the session comes again without a secret,
// it is told the same.
func (p *Procedure) Return(ctx context.Context, v Visitor, secret string) error {
	err := p.step(ctx, v, func(c *Case) error { return c.applyAnswer(v, secret) })
	if errors.Is(err, ErrElsewhere) {
		return errors.Join(err, p.Store.DiscardAnswers(ctx, Digest(secret), v.Session))
	}
	return err
}

func (c *Case) applyAnswer(v Visitor, secret string) error {
	q := c.Qualification
	if secret == "" && c.failedFor(v) {
		return q.Login.failed()
	}
	if !c.Owns(v) || q.State != AtProvider || !c.ownsLogin(v) {
		return ErrElsewhere
	}
	a := q.Login.Answer
	if a == nil || subtle.ConstantTimeCompare(a.Handle, Digest(secret)) != 1 || c.Now.After(a.ReceivedAt.Add(AnswerLife)) {
		return ErrElsewhere
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
		return answered{q.Login.failed()}
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

// The failures of a login that are not a code of the provider's.
const (
	suspendedFailure = "suspended"
	unknownFailure   = "unknown" // the provider named none
)

// failed is how a login that failed is answered.
func (l Login) failed() error {
	if l.Failure == suspendedFailure {
		return ErrSuspended
	}
	return &LoginError{Code: l.Failure}
}

// failedFor reports whether the newest login was the visitor's, failed, and
// nothing happened since.
func (c *Case) failedFor(v Visitor) bool {
	q := c.Qualification
	return c.Owns(v) && q.State == Identification && q.Login != nil && q.Login.Failure != "" && string(q.Login.Session) == string(v.Session)
}

var verdictEvents = map[Verdict]Event{Matched: HolderMatched, Unproven: HolderUnproven, Differs: HolderDiffers}

// judge compares whoever was identified with the record as it is now.
func (c *Case) judge() Verdict {
	q := c.Qualification
	if q.Identity == nil || q.Declaration == nil {
		return Differs
	}
	return c.Mailbox.Record.judge(*q.Declaration, q.Identity.FiscalNumber)
}

// ConfirmIdentity: the person shown is the visitor.
func (p *Procedure) ConfirmIdentity(ctx context.Context, v Visitor, f Form) error {
	return p.act(ctx, v, f, IdentityConfirmed)
}

// DisownIdentity: the person shown is not the visitor, or the mailbox is the
// wrong one.
func (p *Procedure) DisownIdentity(ctx context.Context, v Visitor, f Form) error {
	return p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, true, IdentityDisowned); err != nil {
			return err
		}
		if err := c.fire(IdentityDisowned, Refs{"login": c.Qualification.Login.ID}); err != nil {
			return err
		}
		c.forgetLogin()
		return nil
	})
}
