package qualification_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"stella/store/storetest"
	"stella/workflow"
)

// An action is one thing that can happen, in the model and in the real procedure.
type action struct {
	name  string
	model func(*model) string
	run   func(context.Context) error
}

// formAction returns an action of a visitor with a form.
func (p *run) formAction(v visitor, f form, name string, model func(*model) string, real byForm) action {
	who, what := p.visitors[v], p.form(f)
	return action{fmt.Sprint(name, " by ", v, f), model, func(ctx context.Context) error { return real(ctx, who, what) }}
}

// ownStep returns an action that only the owner may do.
func (p *run) ownStep(v visitor, f form, name string, s step) action {
	return p.formAction(v, f, name, func(m *model) string { return m.step(v, f, s.event, func() string { return s.model(m) }) }, s.run)
}

func (p *run) stepBack(v visitor, f form) action {
	return p.formAction(v, f, "back", func(m *model) string { return m.stepBack(v, f) }, p.Procedure.StepBack)
}

func (p *run) invite(t *rapid.T, v visitor, f form) action {
	email := p.drawLikely(t, "email", p.emails[2], p.emails[1])
	return p.formAction(v, f, "invite", func(m *model) string { return m.invite(v, f) }, withInput(p.Procedure.Invite, email))
}

func (p *run) withdraw(v visitor, f form) action {
	return p.formAction(v, f, "withdraw", func(m *model) string { return m.withdraw(v, f) }, p.Procedure.Withdraw)
}

// accept opens the link of an invitation in a browser.
func (p *run) accept(n int, browser string) action {
	v, link := visitor{browser, n + 1}, p.links[n]
	return action{fmt.Sprint("accept by ", v), func(m *model) string { return m.accept(n) },
		func(ctx context.Context) error {
			who, err := p.Procedure.AcceptInvitation(ctx, link, "it", netip.Addr{}, "")
			who.Session = workflow.Digest(browser + p.address)
			if err == nil {
				p.addVisitor(v, who)
			}
			return err
		}}
}

func (p *run) decline(n int) action {
	return action{fmt.Sprint("decline ", n+1), func(m *model) string { return m.decline(n) },
		func(ctx context.Context) error {
			return p.Procedure.DeclineInvitation(ctx, p.links[n], netip.Addr{}, "")
		}}
}

// handOff hands a user of the webmail off. If twice is true, it checks that the link
// cannot be used again.
func (p *run) handOff(browser string, twice bool) action {
	return action{fmt.Sprint("hand-off to ", browser), (*model).open,
		func(ctx context.Context) error {
			secret, err := p.HandOff(ctx, p.address)
			if errors.Is(err, workflow.ErrUnknown) { // the mailbox was deleted before the hand-off
				return workflow.ErrNotEligible
			}
			if err != nil {
				return err
			}
			who, err := p.Procedure.Start(ctx, secret, workflow.Digest(browser+p.address), netip.Addr{}, "")
			if err != nil {
				return err
			}
			p.addVisitor(visitor{browser: browser}, who)
			if twice {
				if _, err := p.Procedure.Start(ctx, secret, workflow.Digest("another"), netip.Addr{}, ""); err != workflow.ErrUnknown {
					return fmt.Errorf("second use of a hand-off: error %v", err)
				}
			}
			return nil
		}}
}

func (p *run) startLogin(v visitor) action {
	who := p.visitors[v]
	return action{fmt.Sprint("start login by ", v), func(m *model) string { return m.startLogin(v) },
		func(ctx context.Context) error {
			l := workflow.Login{ID: "_" + uuid.NewString(), Provider: p.provider, ProviderName: "Identità di prova",
				Level: "SpidL2", Comparison: "minimum", StartedAt: p.Clock.Now()}
			err := p.Procedure.StartLogin(ctx, who, l, []byte("<AuthnRequest/>"))
			if err == nil {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.logins = append(p.logins, l.ID)
			}
			return err
		}}
}

// answer stores the answer to a login request.
func (p *run) answer(n int, person string) action {
	parked := workflow.Answer{Failure: "nr25"}
	if person != "" {
		parked = p.Answer(person)
		parked.Assertion.Provider = p.provider
	}
	id := p.logins[n]
	return action{fmt.Sprint("answer to ", n, ": ", person), func(m *model) string { return m.storeAnswer(n, person) },
		func(ctx context.Context) error {
			secret, err := p.Logins.StoreAnswer(ctx, id, parked, []byte("<Response/>"))
			if err == nil {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.secrets[n] = secret
			}
			return err
		}}
}

// returnFromLogin returns from a login with the secret of its answer, if there is one.
func (p *run) returnFromLogin(v visitor, n int) action {
	who, secret := p.visitors[v], p.secrets[n]
	return action{fmt.Sprint("return by ", v, " from ", n), func(m *model) string { return m.returnFromLogin(v, n, secret != "") },
		func(ctx context.Context) error { return p.Procedure.Return(ctx, who, secret) }}
}

// mail sets the outcome of the newest code's mail.
func (p *run) mail(what string) action {
	i := len(p.m.codes) - 1
	return action{fmt.Sprint("mail is ", what), func(m *model) string { return m.mail(i, what) },
		func(ctx context.Context) error {
			id, now := p.mails[i], p.Clock.Now()
			started, err := storetest.StartMail(ctx, p.Store, id, now)
			if err != nil {
				return err
			}
			a := started.Attempt()
			switch what {
			case "accepted":
				return p.MailAccepted(ctx, a, "250 OK", now)
			case "refused":
				return p.MailRefused(ctx, a, "550 no such user", now)
			case "dropped":
				return p.MailDropped(ctx, a, now)
			case "deferred":
				return p.MailDeferred(ctx, a, "451 later", false, now.Add(time.Second))
			}
			return nil
		}}
}

func (p *run) decide(what string) action {
	decide := map[string]func(context.Context, string, string, int64, string) error{
		"approve": p.Cases.Approve, "refuse": p.Cases.Refuse, "revoke": p.Cases.Revoke}[what]
	return action{what, func(m *model) string { return m.decide(what) },
		func(ctx context.Context) error { return decide(ctx, "paolo", p.address, 0, "visura") }}
}

// record changes the record of the mailbox, or restores a deleted one, by Record or
// Import.
func (p *run) record(r workflow.Record, s workflow.Status) action {
	r.Status = s
	return action{fmt.Sprintf("record %s %s %s", s, r.Kind, r.FiscalCode), func(m *model) string { return m.setRecord(r) },
		func(ctx context.Context) error {
			if !p.byFile {
				_, err := p.Cases.SetRecord(ctx, "tests", p.address, s, r)
				return err
			}
			line, err := workflow.Registration{Address: p.address, Record: r}.Check()
			if err == nil {
				_, err = p.Cases.Import(ctx, "tests", []workflow.ValidRegistration{line}, false)
			}
			return err
		}}
}

func (p *run) delete() action {
	return action{"delete", (*model).delete,
		func(ctx context.Context) error { return p.Cases.Delete(ctx, "tests", p.address) }}
}

func (p *run) suspend(ago time.Duration) action {
	return action{fmt.Sprint("suspend since ", ago), func(m *model) string { return m.suspend(ago) },
		func(ctx context.Context) error {
			return p.Provider.Suspend(ctx, "paolo", p.provider, p.Clock.Now().Add(-ago), "chiavi rubate")
		}}
}

func (p *run) resume() action {
	return action{"resume", (*model).resume,
		func(ctx context.Context) error { return p.Provider.Resume(ctx, "paolo", p.provider, "") }}
}

func (p *run) expire() action {
	return action{"expire", (*model).expire,
		func(ctx context.Context) error { _, err := p.Cases.ExpireStale(ctx); return err }}
}

// moveClock moves the clock forwards or backwards.
func (p *run) moveClock(d time.Duration) action {
	return action{fmt.Sprint("time ", d), func(m *model) string { m.now = m.now.Add(d); return done },
		func(context.Context) error { p.Clock.Advance(d); return nil }}
}
