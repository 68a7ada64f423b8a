package workflow_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"stella/store/storetest"
	"stella/workflow"
)

// How acts are drawn: what is likely, often; what is not, now and then.

// likely draws the first most often.
func (p *play) likely(t *rapid.T, label string, all ...string) string {
	if all[0] == "" {
		all = all[1:]
	}
	return rapid.SampledFrom(append([]string{all[0], all[0], all[0]}, all...)).Draw(t, label)
}

// owner is the visitor who can go on.
func (p *play) owner() (v visitor) {
	for _, o := range p.order {
		if p.m.owns(o) && (v.browser == "" || v.browser != p.m.login.session) {
			v = o
		}
	}
	return v
}

// anyVisitor is most often who can go on.
func (p *play) anyVisitor(t *rapid.T) visitor {
	all := slices.Clone(p.order)
	if o := p.owner(); o.browser != "" {
		all = append([]visitor{o, o, o, o}, all...)
	}
	return rapid.SampledFrom(all).Draw(t, "visitor")
}

// anyForm is most often the one that fits.
func (p *play) anyForm(t *rapid.T) form {
	f := form{p.m.number, p.m.version}
	switch rapid.IntRange(0, 11).Draw(t, "stale") {
	case 10:
		f.version = max(1, f.version-rapid.IntRange(1, 3).Draw(t, "older"))
	case 11:
		f.number = max(1, f.number-1)
	}
	return f
}

func (p *play) anyOwnStep(t *rapid.T) act {
	if len(p.order) == 0 {
		return p.onward(t) // somebody comes
	}
	return p.submit(t, p.anyVisitor(t), p.anyForm(t), rapid.SampledFrom(formNames).Draw(t, "form"))
}

// submit fills in the form of a page and submits it.
func (p *play) submit(t *rapid.T, v visitor, f form, name string) act {
	return p.own(v, f, name, p.fill(t, name))
}

func (p *play) anyKind(t *rapid.T) workflow.Kind {
	return workflow.Kind(p.likely(t, "kind", string(p.m.record.Kind), "person", "company"))
}

func (p *play) anyCompany(t *rapid.T) string {
	if p.m.record.Kind == workflow.KindCompany {
		return p.likely(t, "company", p.m.record.FiscalCode, storetest.Bianchi, cooperativa)
	}
	return p.likely(t, "company", storetest.Bianchi, cooperativa)
}

// anyCode draws one of the codes that were asked for, or -1 for a wrong one.
func (p *play) anyCode(t *rapid.T) int {
	last := len(p.m.codes) - 1
	switch rapid.IntRange(0, 3).Draw(t, "code") {
	case 0, 1:
		return last
	case 2:
		return rapid.IntRange(max(-1, last-3), last).Draw(t, "which")
	}
	return -1
}

// any draws an act that may meet one of a person's.
func (p *play) any(t *rapid.T) act {
	if rapid.IntRange(0, 4).Draw(t, "whose") == 4 {
		return p.anyOfProvider(t)
	}
	return p.anyOfPerson(t)
}

// anyOfPerson draws an act that may meet any.
func (p *play) anyOfPerson(t *rapid.T) act {
	switch rapid.IntRange(0, 3).Draw(t, "how") {
	case 0, 1:
		switch {
		case p.m.state == workflow.CodeEntry: // what leads on from there may be a mail, which is no transaction, or time
			return p.submit(t, p.anyVisitor(t), p.anyForm(t), p.likely(t, "next", "type code", "request code", "redirect code"))
		case !p.m.suspended(): // else it may be a resumption: two at once are one, and nobody's step
			return p.onward(t)
		}
	case 2:
		return p.anyOwnStep(t)
	}
	return p.anyOther(t)
}

// anyOther draws what is done with no form of the owner's.
func (p *play) anyOther(t *rapid.T) act {
	kind := rapid.SampledFrom([]string{"login", "answer", "return", "back", "invite", "link", "withdraw", "hand-off"}).Draw(t, "what")
	switch {
	case kind == "hand-off" || len(p.order) == 0:
		return p.handOff(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "browser"), rapid.Bool().Draw(t, "twice"))
	case kind == "link" && len(p.links) > 0:
		n := max(0, len(p.links)-1-rapid.IntRange(0, 2).Draw(t, "older"))
		if rapid.IntRange(0, 3).Draw(t, "declines") == 3 {
			return p.decline(n)
		}
		return p.accept(n, rapid.SampledFrom([]string{"c", "d"}).Draw(t, "browser"))
	case kind == "answer" && len(p.logins) > 0:
		return p.answer(p.anyLogin(t), p.anyPerson(t))
	case kind == "return" && len(p.logins) > 0:
		return p.comeBack(p.anyVisitor(t), p.anyLogin(t))
	case kind == "back":
		return p.stepBack(p.anyVisitor(t), p.anyForm(t))
	case kind == "invite":
		return p.invite(t, p.anyVisitor(t), p.anyForm(t))
	case kind == "withdraw":
		return p.withdraw(rapid.SampledFrom(p.order).Draw(t, "visitor"), p.anyForm(t))
	}
	return p.startLogin(p.anyVisitor(t))
}

func (p *play) anyLogin(t *rapid.T) int {
	return max(0, len(p.logins)-1-max(0, rapid.IntRange(-3, 2).Draw(t, "older login")))
}

func (p *play) anyPerson(t *rapid.T) string {
	return rapid.SampledFrom([]string{storetest.Anna, annaOmocode, provisional, storetest.Luca, storetest.Sara, ""}).Draw(t, "person")
}

func (p *play) anyOfProvider(t *rapid.T) act {
	switch rapid.IntRange(0, 11).Draw(t, "decision") {
	case 0:
		return p.decide("approve")
	case 1:
		return p.decide("refuse")
	case 2:
		return p.decide("revoke")
	case 3:
		return p.suspend(time.Duration(rapid.IntRange(0, 600).Draw(t, "ago")) * time.Second)
	case 4:
		return p.resume()
	case 5:
		status := rapid.SampledFrom([]workflow.Status{workflow.Active, workflow.Cancelled, workflow.MailboxExpired}).Draw(t, "standing")
		return p.record(p.m.record, status)
	case 6, 7, 8:
		return p.record(rapid.SampledFrom(p.records()).Draw(t, "record"), workflow.Active)
	case 9, 10:
		return p.delete()
	}
	return p.expire()
}

func (p *play) anyMail(t *rapid.T) act {
	if len(p.m.codes) == 0 {
		return p.onward(t) // to where there is one
	}
	return p.mail(p.likely(t, "mail", "accepted", "started", "deferred", "refused", "dropped"))
}

// pass lets time go by, or back.
func (p *play) pass(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Second, time.Minute, 91 * time.Second, 15 * time.Minute, 30 * time.Minute,
		24 * time.Hour, 7 * 24 * time.Hour, workflow.UnfinishedLife + time.Second, -time.Second, -time.Minute, -time.Hour}).Draw(t, "by")
	p.back = p.back || d < 0
	p.do(t, p.time(d))
	if d > workflow.UnfinishedLife {
		p.do(t, p.expire())
	}
}

// goOn takes the case further, as its holder would.
func (p *play) goOn(t *rapid.T) {
	for range rapid.IntRange(1, 6).Draw(t, "steps") {
		p.do(t, p.onward(t))
	}
}

// guess types wrong codes, until there is a pause or nearly.
func (p *play) guess(t *rapid.T) {
	if p.m.state != workflow.CodeEntry {
		p.goOn(t) // to where there is one
		return
	}
	for range rapid.IntRange(1, 6).Draw(t, "guesses") {
		p.do(t, p.own(p.owner(), form{p.m.number, p.m.version}, "a guess", p.typeCode(-1)))
	}
}

// onward is what leads on from where the case stands.
func (p *play) onward(t *rapid.T) act {
	m, v, f := p.m, p.owner(), form{p.m.number, p.m.version}
	switch {
	case m.status != workflow.Active:
		return p.record(m.record, workflow.Active)
	case m.state == "" || m.state == workflow.Expired || m.state == workflow.Revoked || v.browser == "" && !m.invited:
		return p.handOff("a", false)
	case m.state == workflow.Invited && rapid.IntRange(0, 5).Draw(t, "declines") == 5:
		return p.decline(len(p.links) - 1)
	case m.state == workflow.Invited || v.browser == "":
		return p.accept(len(p.links)-1, "c")
	case m.state == workflow.HolderInvitation:
		return p.invite(t, v, f)
	case m.suspended():
		return p.resume()
	case m.lapsed(v), m.state == workflow.Identification:
		return p.startLogin(v)
	case m.state == workflow.AtProvider && m.login.answer.parked:
		return p.comeBack(v, m.login.number)
	case m.state == workflow.AtProvider && m.answered[m.login.number]:
		return p.startLogin(v)
	case m.state == workflow.AtProvider:
		return p.answer(m.login.number, p.likely(t, "person", p.holder(), annaOmocode, storetest.Sara, ""))
	case m.state == workflow.UnderReview:
		return p.decide(p.likely(t, "decision", "approve", "refuse"))
	case m.state == workflow.Qualified && rapid.Bool().Draw(t, "another record"):
		return p.record(rapid.SampledFrom(p.records()).Draw(t, "record"), workflow.Active)
	case m.state == workflow.Qualified:
		return p.decide("revoke")
	case m.state == workflow.CodeEntry && m.newest() == nil && !m.mustWait() && !m.paused():
		return p.submit(t, v, f, "request code")
	case m.state == workflow.CodeEntry && m.newest() == nil:
		return p.time(time.Minute)
	case m.state == workflow.CodeEntry && m.newest().started.IsZero() && m.newest().refused.IsZero() && m.newest().dropped.IsZero():
		return p.mail("accepted")
	}
	return p.submit(t, v, f, p.likely(t, "next", map[workflow.State][]string{
		workflow.HolderChoice: {"holder", "delegate", "delegate"}, workflow.Introduction: {"begin"}, workflow.HolderKind: {"kind"},
		workflow.CompanyData: {"company"}, workflow.ContactData: {"contacts"}, workflow.Summary: {"confirm data", "correct holder", "correct contacts"},
		workflow.Identified: {"confirm identity", "redirect code", "disown identity"}, workflow.Contract: {"contract"},
		workflow.CodeEntry: {"type code", "request code", "redirect code"}, workflow.Rejected: {"retry login", "retry", "pass on"},
	}[m.state]...))
}

// holder is a person who can log in for the mailbox.
func (p *play) holder() string {
	switch r := p.m.record; {
	case r.Kind == workflow.KindPerson && r.FiscalCode != "", len(r.FiscalCode) == 16:
		return r.FiscalCode
	case len(r.Representatives) > 0:
		return r.Representatives[0].FiscalCode
	}
	return storetest.Anna
}

// records are those that a mailbox may have.
func (p *play) records() []workflow.Record {
	company := workflow.Record{Kind: workflow.KindCompany, Name: "Impresa", FiscalCode: storetest.Bianchi, Email: p.emails[0]}
	represented, soleTrader := company, company
	represented.Representatives = []workflow.Representative{{FiscalCode: storetest.Luca, Name: "Luca Bianchi"}, {FiscalCode: storetest.Anna, Name: "Anna Neri"}}
	soleTrader.FiscalCode, soleTrader.VATNumber = storetest.Anna, storetest.Bianchi
	person := workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", FiscalCode: storetest.Anna, Email: p.emails[0]}
	unknown, another, newcomer := person, person, person
	unknown.FiscalCode, another.FiscalCode, newcomer.FiscalCode = "", storetest.Sara, provisional
	return []workflow.Record{person, represented, unknown, company, soleTrader, another, {Email: p.emails[1]}, newcomer}
}
