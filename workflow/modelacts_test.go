package workflow_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"stella/workflow"
)

// An act is one thing that can happen, to the model and in truth.
type act struct {
	name  string
	model func(*model) string
	real  func(context.Context) error
}

// by is what a visitor does by a form.
func (p *play) by(v visitor, f form, name string, model func(*model) string, real byForm) act {
	who, what := p.visitors[v], p.form(f)
	return act{fmt.Sprint(name, " by ", v, f), model, func(ctx context.Context) error { return real(ctx, who, what) }}
}

// own is a step that is the owner's alone.
func (p *play) own(v visitor, f form, name string, s step) act {
	return p.by(v, f, name, func(m *model) string { return m.step(v, f, s.event, func() string { return s.model(m) }) }, s.real)
}

func (p *play) stepBack(v visitor, f form) act {
	return p.by(v, f, "back", func(m *model) string { return m.stepBack(v, f) }, p.Procedure.StepBack)
}

func (p *play) invite(t *rapid.T, v visitor, f form) act {
	email := p.likely(t, "email", p.emails[2], p.emails[1])
	return p.by(v, f, "invite", func(m *model) string { return m.invite(v, f) }, with(p.Procedure.Invite, email))
}

func (p *play) withdraw(v visitor, f form) act {
	return p.by(v, f, "withdraw", func(m *model) string { return m.withdraw(v, f) }, p.Procedure.Withdraw)
}

// accept opens the link of an invitation, in a browser.
func (p *play) accept(n int, browser string) act {
	v, link := visitor{browser, n + 1}, p.links[n]
	return act{fmt.Sprint("accept by ", v), func(m *model) string { return m.accept(n) },
		func(ctx context.Context) error {
			who, err := p.Procedure.AcceptInvitation(ctx, link, "it", netip.Addr{}, "")
			who.Session = workflow.Digest(browser + p.address)
			if err == nil {
				p.letIn(v, who)
			}
			return err
		}}
}

func (p *play) decline(n int) act {
	return act{fmt.Sprint("decline ", n+1), func(m *model) string { return m.decline(n) },
		func(ctx context.Context) error {
			return p.Procedure.DeclineInvitation(ctx, p.links[n], netip.Addr{}, "")
		}}
}

// handOff brings a user of the webmail here; used twice, its link lets the
// second in no more.
func (p *play) handOff(browser string, twice bool) act {
	return act{fmt.Sprint("hand-off to ", browser), (*model).open,
		func(ctx context.Context) error {
			secret, err := p.HandOff(ctx, p.address)
			if errors.Is(err, workflow.ErrUnknown) { // deleted, and not since the webmail asked
				return workflow.ErrNotEligible
			}
			if err != nil {
				return err
			}
			who, err := p.Procedure.Start(ctx, secret, workflow.Digest(browser+p.address), netip.Addr{}, "")
			if err != nil {
				return err
			}
			p.letIn(visitor{browser: browser}, who)
			if twice {
				if _, err := p.Procedure.Start(ctx, secret, workflow.Digest("another"), netip.Addr{}, ""); err != workflow.ErrUnknown {
					return fmt.Errorf("a hand-off was used twice: %v", err)
				}
			}
			return nil
		}}
}

func (p *play) startLogin(v visitor) act {
	who := p.visitors[v]
	return act{fmt.Sprint("start login by ", v), func(m *model) string { return m.startLogin(v) },
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

// answer parks the answer to a request.
func (p *play) answer(n int, person string) act {
	parked := workflow.Answer{Failure: "nr25"}
	if person != "" {
		parked = p.Answer(person)
		parked.Assertion.Provider = p.provider
	}
	id := p.logins[n]
	return act{fmt.Sprint("answer to ", n, ": ", person), func(m *model) string { return m.park(n, person) },
		func(ctx context.Context) error {
			secret, err := p.Procedure.ParkAnswer(ctx, id, parked, []byte("<Response/>"))
			if err == nil {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.secrets[n] = secret
			}
			return err
		}}
}

// comeBack returns from a login with the secret of its answer, or with none.
func (p *play) comeBack(v visitor, n int) act {
	who, secret := p.visitors[v], p.secrets[n]
	return act{fmt.Sprint("return by ", v, " from ", n), func(m *model) string { return m.comeBack(v, n, secret != "") },
		func(ctx context.Context) error { return p.Procedure.Return(ctx, who, secret) }}
}

// mail is what becomes of the newest code's mail.
func (p *play) mail(what string) act {
	i := len(p.m.codes) - 1
	return act{fmt.Sprint("mail is ", what), func(m *model) string { return m.mail(i, what) },
		func(ctx context.Context) error {
			id, now := p.mails[i], p.Clock.Now()
			if _, err := p.StartMail(ctx, id, now); err != nil {
				return err
			}
			switch what {
			case "accepted":
				return p.MailAccepted(ctx, id, "250 OK", now)
			case "refused":
				return p.MailRefused(ctx, id, "550 no such user", now)
			case "dropped":
				return p.MailDropped(ctx, id, now)
			case "deferred":
				return p.MailDeferred(ctx, id, "451 later", false)
			}
			return nil
		}}
}

func (p *play) decide(what string) act {
	decide := map[string]func(context.Context, string, string, int64, string) error{
		"approve": p.Procedure.Approve, "refuse": p.Procedure.Refuse, "revoke": p.Procedure.Revoke}[what]
	return act{what, func(m *model) string { return m.decide(what) },
		func(ctx context.Context) error { return decide(ctx, "paolo", p.address, 0, "visura") }}
}

// record changes the record of the mailbox, or brings a deleted one back, alone
// or as a line of a file.
func (p *play) record(r workflow.Record, s workflow.Status) act {
	r.Status = s
	return act{fmt.Sprintf("record %s %s %s", s, r.Kind, r.FiscalCode), func(m *model) string { return m.recorded(r) },
		func(ctx context.Context) error {
			if !p.byFile {
				_, err := p.Procedure.Record(ctx, "tests", p.address, s, r)
				return err
			}
			line, err := workflow.Registration{Address: p.address, Record: r}.Check()
			if err == nil {
				_, err = p.Procedure.Import(ctx, "tests", []workflow.Checked{line}, false)
			}
			return err
		}}
}

func (p *play) delete() act {
	return act{"delete", (*model).delete,
		func(ctx context.Context) error { return p.Procedure.Delete(ctx, "tests", p.address) }}
}

func (p *play) suspend(ago time.Duration) act {
	return act{fmt.Sprint("suspend since ", ago), func(m *model) string { return m.suspend(ago) },
		func(ctx context.Context) error {
			return p.Procedure.Suspend(ctx, "paolo", p.provider, p.Clock.Now().Add(-ago), "chiavi rubate")
		}}
}

func (p *play) resume() act {
	return act{"resume", (*model).resume,
		func(ctx context.Context) error { return p.Procedure.Resume(ctx, "paolo", p.provider, "") }}
}

func (p *play) expire() act {
	return act{"expire", (*model).expire,
		func(ctx context.Context) error { _, err := p.Procedure.ExpireStale(ctx); return err }}
}

// time goes by, or back.
func (p *play) time(d time.Duration) act {
	return act{fmt.Sprint("time ", d), func(m *model) string { m.now = m.now.Add(d); return done },
		func(context.Context) error { p.Clock.Advance(d); return nil }}
}
