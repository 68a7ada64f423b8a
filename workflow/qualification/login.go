package qualification

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"strconv"

	"stella/workflow"
)

// LoginError is returned for a login that failed at the identity provider.
type LoginError struct {
	Code string // the provider's error code: "nr25", …
}

func (e *LoginError) Error() string { return "login failed: " + e.Code }

// MayLogIn reports whether the visitor's page can start a login.
func (c *Case) MayLogIn(v workflow.Visitor) bool {
	switch c.Stage(v) {
	case Identification, AtProvider:
		return c.CanAct(v)
	}
	return false
}

// StartLogin records the request that the visitor's browser is about to send to an
// identity provider. It returns ErrSuspended if the provider is suspended. Only the
// answer to the newest request of a qualification is accepted.
func (p *Procedure) StartLogin(ctx context.Context, v workflow.Visitor, l workflow.Login, request []byte) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		q := c.Qualification
		if !c.CanAct(v) {
			return ErrNotOwner
		}
		if c.Suspensions.Suspended(l.Provider) {
			return workflow.ErrSuspended
		}
		if c.LoginExpired(v) && q.State != AtProvider {
			if err := c.lapse(nil); err != nil {
				return err
			}
		}
		l.Subject, l.Session = q.ID, v.Session
		m := workflow.Message{ID: workflow.NewID(), Login: l.ID, Direction: "request", Body: request, ReceivedAt: c.Now}
		err := c.fire(LoginStarted, Refs{"login": l.ID, "provider": l.Provider, "level": l.Level, "request_sha256": m.SHA256()})
		if err != nil {
			return err
		}
		c.clearLogin()
		q.Login = &l
		c.spend(p.limiter(), workflow.LoginsPerNetwork, v)
		c.add(p.Keys.Spend(loginsPerMailbox, strconv.FormatInt(c.Mailbox.ID, 10), c.Now), l, m)
		return nil
	})
}

// Answered reports whether a login has already identified a person. A second answer is
// then a repetition: the browser's Back button leads to a page of the provider that
// posts it again.
func (p *Procedure) Answered(ctx context.Context, l workflow.Login) (bool, error) {
	if l.ID == "" || l.IsTest() {
		return false, nil
	}
	return p.Cases.Store.LoginIdentified(ctx, l.ID)
}

// Return applies a stored answer if the one-time secret comes with the session that
// sent the request. The first visit without both deletes it. It returns a LoginError if
// the login failed, and ErrSuspended if the provider has been suspended since; both are
// steps too. A later visit of the session without a secret returns the same error
// again.
func (p *Procedure) Return(ctx context.Context, v workflow.Visitor, secret string) error {
	err := p.step(ctx, v, func(v workflow.Visitor, c *Case) error { return c.applyAnswer(v, secret) })
	if errors.Is(err, ErrNotOwner) {
		return errors.Join(err, p.Cases.Store.DiscardAnswers(ctx, workflow.Digest(secret), v.Session))
	}
	return err
}

func (c *Case) applyAnswer(v workflow.Visitor, secret string) error {
	q := c.Qualification
	if secret == "" && c.failedFor(v) {
		return failureError(q.Login)
	}
	if !c.CanAct(v) || q.State != AtProvider || !c.ownsLogin(v) {
		return ErrNotOwner
	}
	a := q.Login.Answer
	if a == nil || subtle.ConstantTimeCompare(a.Handle, workflow.Digest(secret)) != 1 || c.Now.After(a.ReceivedAt.Add(workflow.AnswerLife)) {
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
		return answered{failureError(q.Login)}
	}
	identity := Identity{ID: workflow.NewID(), Qualification: q.ID, Login: q.Login.ID, Assertion: *a.Assertion, IdentifiedAt: c.Now}
	q.Identity = &identity
	c.add(identity)

	verdict := c.judge()
	refs["identity"], refs["assertion"], refs["level"] = identity.ID.String(), identity.AssertionID, identity.Level
	refs["declaration"], refs["verdict"] = q.Declaration.ID.String(), string(verdict)
	if err := c.fire(verdictEvents[verdict], refs); err != nil {
		return err
	}
	if verdict == workflow.Differs {
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
func failureError(l *workflow.Login) error {
	if l.Failure == suspendedFailure {
		return workflow.ErrSuspended
	}
	return &LoginError{Code: l.Failure}
}

// failedFor reports whether the newest login was the visitor's, it failed, and nothing
// happened since.
func (c *Case) failedFor(v workflow.Visitor) bool {
	q := c.Qualification
	return c.CanAct(v) && q.State == Identification && q.Login != nil && q.Login.Failure != "" && string(q.Login.Session) == string(v.Session)
}

var verdictEvents = map[workflow.Verdict]Event{workflow.Matched: HolderMatched, workflow.Unproven: HolderUnproven, workflow.Differs: HolderDiffers}

// judge compares the identified person with the current record.
func (c *Case) judge() workflow.Verdict {
	q := c.Qualification
	if q.Identity == nil || q.Declaration == nil {
		return workflow.Differs
	}
	return c.Mailbox.Record.Judge(q.Declaration.Kind, q.Declaration.CompanyCode, q.Identity.FiscalNumber)
}

// ConfirmIdentity records that the visitor is the person shown.
func (p *Procedure) ConfirmIdentity(ctx context.Context, v workflow.Visitor, f Form) error {
	return p.act(ctx, v, f, IdentityConfirmed)
}

// DisownIdentity records that the visitor is not the person shown, or is in the wrong
// mailbox's procedure.
func (p *Procedure) DisownIdentity(ctx context.Context, v workflow.Visitor, f Form) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
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

// rejectionsPerDay bounds the mails that rejections cause, because a user of the
// mailbox can cause any number of rejections. The page shows every rejection.
const rejectionsPerDay = 5

// reject records the reason, and sends the holder a mail.
func (c *Case) reject(r Reason, remark string) {
	c.Qualification.Reason, c.Qualification.Remark = r, remark
	if nextAllowed(c.RejectionMails, rejectionsPerDay, c.Now).After(c.Now) {
		return
	}
	c.mail(workflow.MailRejected, c.contactAddress(), workflow.MailDetails{Reason: string(r), Remark: remark, Invited: c.toInvited(c.contactAddress())})
}

// clearLogin removes the login and the identity, which no longer count, from the
// qualification. The log and the archive keep them.
func (c *Case) clearLogin() {
	q := c.Qualification
	q.Login, q.Identity, q.Reason, q.Remark = nil, nil, "", ""
}
