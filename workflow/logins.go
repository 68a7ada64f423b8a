package workflow

import (
	"context"
	"crypto/rand"
	"net/netip"
	"time"

	"github.com/google/uuid"
)

// Logins are the logins of all procedures, and test logins.
type Logins struct {
	Store    LoginStore
	Keys     Keys
	Now      func() time.Time
	Observer Observer
}

func (ls *Logins) limiter() Limiter {
	return Limiter{Store: ls.Store, Keys: ls.Keys, Now: ls.Now, Observer: ls.Observer}
}

// LoginStore is the database of the logins.
type LoginStore interface {
	Suspensions(ctx context.Context) (Suspensions, error)
	Spend(ctx context.Context, s Spend) error

	// LoginByID returns ErrUnknown if there is no such login.
	LoginByID(ctx context.Context, id string) (Login, error)
	// ArchiveMessage archives a message of a login outside a step.
	ArchiveMessage(ctx context.Context, m Message) error
	// AddTestLogin stores a test login with its request.
	AddTestLogin(ctx context.Context, l Login, m Message) error
	// ClaimAnswer stores the answer of a login until it is fetched. An answer without a
	// handle belongs to a test login and is only archived. It returns ErrUnknown if the
	// login has an answer already, or the assertion was used before.
	ClaimAnswer(ctx context.Context, login string, a Answer, m Message) error
	// DiscardAnswers deletes stored answers: the one with this handle, and those of
	// this session.
	DiscardAnswers(ctx context.Context, handle, session []byte) error
}

// AdmitAnswer counts a response of an identity provider that a browser posts, before it
// is parsed.
func (ls *Logins) AdmitAnswer(ctx context.Context, from netip.Addr) error {
	return ls.limiter().Admit(ctx, answersPerNetwork, from)
}

// AdmitLogout counts a logout request, before it is parsed.
func (ls *Logins) AdmitLogout(ctx context.Context, from netip.Addr) error {
	return ls.limiter().Admit(ctx, logoutsPerNetwork, from)
}

// Login returns the request that an answer refers to. For a request that is too old it
// returns the login and ErrUnknown, so that the answer can still be archived.
func (ls *Logins) Login(ctx context.Context, id string) (Login, error) {
	l, err := ls.Store.LoginByID(ctx, id)
	if err != nil {
		return l, err
	}
	if ls.Now().After(l.StartedAt.Add(LoginLife)) {
		return l, ErrUnknown
	}
	return l, nil
}

// StoreAnswer stores a verified answer until the browser that sent the request comes
// back with the secret returned here. It accepts only the first answer to a request,
// and each assertion once; otherwise it returns ErrUnknown. It returns ErrNoPerson if
// the assertion does not name a person.
func (ls *Logins) StoreAnswer(ctx context.Context, login string, a Answer, response []byte) (string, error) {
	if a.Assertion != nil {
		assertion, err := a.Assertion.normalized()
		if err != nil {
			return "", err
		}
		a.Assertion = &assertion
	}
	secret := rand.Text()
	now := ls.Now()
	m := Message{ID: NewID(), Login: login, Direction: "response", Body: response, ReceivedAt: now}
	a.Handle, a.ReceivedAt, a.SHA256 = Digest(secret), now, m.SHA256()
	return secret, ls.Store.ClaimAnswer(ctx, login, a, m)
}

// ArchiveRefused archives an answer to a known request that failed verification.
func (ls *Logins) ArchiveRefused(ctx context.Context, l Login, response []byte) error {
	err := ls.Store.ArchiveMessage(ctx, Message{ID: NewID(), Login: l.ID, Direction: "response", Body: response, ReceivedAt: ls.Now()})
	if err == nil && ls.Observer.Refused != nil {
		ls.Observer.Refused(l.Provider)
	}
	return err
}

// DiscardAnswer deletes the stored answer of a secret. It is called for a browser
// without a session.
func (ls *Logins) DiscardAnswer(ctx context.Context, secret string) error {
	return ls.Store.DiscardAnswers(ctx, Digest(secret), nil)
}

// StartTest records the request of a test login.
func (ls *Logins) StartTest(ctx context.Context, l Login, request []byte, from netip.Addr) error {
	if err := ls.limiter().Admit(ctx, LoginsPerNetwork, from); err != nil {
		return err
	}
	suspensions, err := ls.Store.Suspensions(ctx)
	if err != nil {
		return err
	}
	if suspensions.Suspended(l.Provider) {
		return ErrSuspended
	}
	l.Subject, l.Session = uuid.Nil, nil
	return ls.Store.AddTestLogin(ctx, l, Message{ID: NewID(), Login: l.ID, Direction: "request", Body: request, ReceivedAt: ls.Now()})
}

// EndTest accepts the verified answer to a test login. The answer is archived and not
// stored elsewhere. EndTest returns ErrUnknown for a second answer to the same
// request, for an assertion that was used before, and for a login that is not a test
// login. It returns ErrNoPerson if the assertion does not name a person.
func (ls *Logins) EndTest(ctx context.Context, login string, a Answer, response []byte) error {
	now := ls.Now()
	if a.Assertion != nil {
		if _, err := a.Assertion.normalized(); err != nil {
			return err
		}
	}
	a.Handle, a.ReceivedAt = nil, now // no handle: no browser fetches the answer later
	return ls.Store.ClaimAnswer(ctx, login, a, Message{ID: NewID(), Login: login, Direction: "response", Body: response, ReceivedAt: now})
}
