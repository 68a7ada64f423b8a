package qualification_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// Random actions, with a higher probability for the usual ones.

// drawLikely draws the first value with the highest probability.
func (p *run) drawLikely(t *rapid.T, label string, all ...string) string {
	if all[0] == "" {
		all = all[1:]
	}
	return rapid.SampledFrom(append([]string{all[0], all[0], all[0]}, all...)).Draw(t, label)
}

// owner returns the visitor who can continue.
func (p *run) owner() (v visitor) {
	for _, o := range p.order {
		if p.m.owns(o) && (v.browser == "" || v.browser != p.m.login.session) {
			v = o
		}
	}
	return v
}

// drawVisitor usually draws the visitor who can continue.
func (p *run) drawVisitor(t *rapid.T) visitor {
	all := slices.Clone(p.order)
	if o := p.owner(); o.browser != "" {
		all = append([]visitor{o, o, o, o}, all...)
	}
	return rapid.SampledFrom(all).Draw(t, "visitor")
}

// drawForm usually draws the current form.
func (p *run) drawForm(t *rapid.T) form {
	f := form{p.m.number, p.m.version}
	switch rapid.IntRange(0, 11).Draw(t, "stale") {
	case 10:
		f.version = max(1, f.version-rapid.IntRange(1, 3).Draw(t, "older"))
	case 11:
		f.number = max(1, f.number-1)
	}
	return f
}

func (p *run) drawOwnStep(t *rapid.T) action {
	if len(p.order) == 0 {
		return p.nextAction(t) // a first visitor
	}
	return p.submit(t, p.drawVisitor(t), p.drawForm(t), rapid.SampledFrom(formNames).Draw(t, "form"))
}

// submit fills in and submits the form of a page.
func (p *run) submit(t *rapid.T, v visitor, f form, name string) action {
	return p.ownStep(v, f, name, p.fill(t, name))
}

func (p *run) drawKind(t *rapid.T) workflow.Kind {
	return workflow.Kind(p.drawLikely(t, "kind", string(p.m.record.Kind), "person", "company"))
}

func (p *run) drawCompany(t *rapid.T) string {
	if p.m.record.Kind == workflow.KindCompany {
		return p.drawLikely(t, "company", p.m.record.FiscalCode, storetest.Bianchi, cooperativa)
	}
	return p.drawLikely(t, "company", storetest.Bianchi, cooperativa)
}

// drawCode draws the index of a requested code, or -1 for a wrong code.
func (p *run) drawCode(t *rapid.T) int {
	last := len(p.m.codes) - 1
	switch rapid.IntRange(0, 3).Draw(t, "code") {
	case 0, 1:
		return last
	case 2:
		return rapid.IntRange(max(-1, last-3), last).Draw(t, "which")
	}
	return -1
}

// drawAction draws an action to run concurrently with a person's.
func (p *run) drawAction(t *rapid.T) action {
	if rapid.IntRange(0, 4).Draw(t, "whose") == 4 {
		return p.drawProviderAction(t)
	}
	return p.drawPersonAction(t)
}

// drawPersonAction draws an action to run concurrently with any other.
func (p *run) drawPersonAction(t *rapid.T) action {
	switch rapid.IntRange(0, 3).Draw(t, "how") {
	case 0, 1:
		switch {
		case p.m.state == qualification.CodeEntry: // the usual next action may be a mail, which is no transaction, or the clock
			return p.submit(t, p.drawVisitor(t), p.drawForm(t), p.drawLikely(t, "next", "type code", "request code", "redirect code"))
		case !p.m.suspended(): // otherwise it may be a resumption, and two concurrent ones are one
			return p.nextAction(t)
		}
	case 2:
		return p.drawOwnStep(t)
	}
	return p.drawOtherAction(t)
}

// drawOtherAction draws an action without one of the owner's forms.
func (p *run) drawOtherAction(t *rapid.T) action {
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
		return p.answer(p.drawLogin(t), p.drawPerson(t))
	case kind == "return" && len(p.logins) > 0:
		return p.returnFromLogin(p.drawVisitor(t), p.drawLogin(t))
	case kind == "back":
		return p.stepBack(p.drawVisitor(t), p.drawForm(t))
	case kind == "invite":
		return p.invite(t, p.drawVisitor(t), p.drawForm(t))
	case kind == "withdraw":
		return p.withdraw(rapid.SampledFrom(p.order).Draw(t, "visitor"), p.drawForm(t))
	}
	return p.startLogin(p.drawVisitor(t))
}

func (p *run) drawLogin(t *rapid.T) int {
	return max(0, len(p.logins)-1-max(0, rapid.IntRange(-3, 2).Draw(t, "older login")))
}

func (p *run) drawPerson(t *rapid.T) string {
	return rapid.SampledFrom([]string{storetest.Anna, annaOmocode, provisional, storetest.Luca, storetest.Sara, ""}).Draw(t, "person")
}

func (p *run) drawProviderAction(t *rapid.T) action {
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

func (p *run) drawMail(t *rapid.T) action {
	if len(p.m.codes) == 0 {
		return p.nextAction(t) // towards a state with a code
	}
	return p.mail(p.drawLikely(t, "mail", "accepted", "started", "deferred", "refused", "dropped"))
}

// passTime moves the clock forwards or backwards.
func (p *run) passTime(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Second, time.Minute, 91 * time.Second, 15 * time.Minute, 30 * time.Minute,
		24 * time.Hour, 7 * 24 * time.Hour, qualification.UnfinishedLife + time.Second, -time.Second, -time.Minute, -time.Hour}).Draw(t, "by")
	p.back = p.back || d < 0
	p.do(t, p.moveClock(d))
	if d > qualification.UnfinishedLife {
		p.do(t, p.expire())
	}
}

// advance runs some of the usual next actions.
func (p *run) advance(t *rapid.T) {
	for range rapid.IntRange(1, 6).Draw(t, "steps") {
		p.do(t, p.nextAction(t))
	}
}

// guessCodes types up to six wrong codes, which may start a pause.
func (p *run) guessCodes(t *rapid.T) {
	if p.m.state != qualification.CodeEntry {
		p.advance(t) // towards a state with a code
		return
	}
	for range rapid.IntRange(1, 6).Draw(t, "guesses") {
		p.do(t, p.ownStep(p.owner(), form{p.m.number, p.m.version}, "a guess", p.typeCode(-1)))
	}
}

// nextAction returns the usual next action in the current state.
func (p *run) nextAction(t *rapid.T) action {
	m, v, f := p.m, p.owner(), form{p.m.number, p.m.version}
	switch {
	case m.status != workflow.Active:
		return p.record(m.record, workflow.Active)
	case m.state == "" || m.state == qualification.Expired || m.state == qualification.Revoked || v.browser == "" && !m.invited:
		return p.handOff("a", false)
	case m.state == qualification.Invited && rapid.IntRange(0, 5).Draw(t, "declines") == 5:
		return p.decline(len(p.links) - 1)
	case m.state == qualification.Invited || v.browser == "":
		return p.accept(len(p.links)-1, "c")
	case m.state == qualification.HolderInvitation:
		return p.invite(t, v, f)
	case m.suspended():
		return p.resume()
	case m.lapsed(v), m.state == qualification.Identification:
		return p.startLogin(v)
	case m.state == qualification.AtProvider && m.login.answer.parked:
		return p.returnFromLogin(v, m.login.number)
	case m.state == qualification.AtProvider && m.answered[m.login.number]:
		return p.startLogin(v)
	case m.state == qualification.AtProvider:
		return p.answer(m.login.number, p.drawLikely(t, "person", p.holder(), annaOmocode, storetest.Sara, ""))
	case m.state == qualification.UnderReview:
		return p.decide(p.drawLikely(t, "decision", "approve", "refuse"))
	case m.state == qualification.Qualified && rapid.Bool().Draw(t, "another record"):
		return p.record(rapid.SampledFrom(p.records()).Draw(t, "record"), workflow.Active)
	case m.state == qualification.Qualified:
		return p.decide("revoke")
	case m.state == qualification.CodeEntry && m.newest() == nil && !m.mustWait() && !m.paused():
		return p.submit(t, v, f, "request code")
	case m.state == qualification.CodeEntry && m.newest() == nil:
		return p.moveClock(time.Minute)
	case m.state == qualification.CodeEntry && m.newest().started.IsZero() && m.newest().refused.IsZero() && m.newest().dropped.IsZero():
		return p.mail("accepted")
	}
	return p.submit(t, v, f, p.drawLikely(t, "next", map[qualification.State][]string{
		qualification.HolderChoice: {"holder", "delegate", "delegate"},
		qualification.Introduction: {"begin"},
		qualification.HolderKind:   {"kind"},
		qualification.CompanyData:  {"company"},
		qualification.ContactData:  {"contacts"},
		qualification.Summary:      {"confirm data", "correct holder", "correct contacts"},
		qualification.Identified:   {"confirm identity", "redirect code", "disown identity"},
		qualification.Contract:     {"contract"},
		qualification.CodeEntry:    {"type code", "request code", "redirect code"},
		qualification.Rejected:     {"retry login", "retry", "pass on"},
	}[m.state]...))
}

// holder returns the fiscal code of a person who can log in for the mailbox.
func (p *run) holder() string {
	switch r := p.m.record; {
	case r.Kind == workflow.KindPerson && r.FiscalCode != "", len(r.FiscalCode) == 16:
		return r.FiscalCode
	case len(r.Representatives) > 0:
		return r.Representatives[0].FiscalCode
	}
	return storetest.Anna
}

// records returns the possible records of a mailbox.
func (p *run) records() []workflow.Record {
	company := workflow.Record{Kind: workflow.KindCompany, Name: "Impresa", FiscalCode: storetest.Bianchi, Email: p.emails[0]}
	represented, soleTrader := company, company
	represented.Representatives = []workflow.Representative{
		{FiscalCode: storetest.Luca, Name: "Luca Bianchi"}, {FiscalCode: storetest.Anna, Name: "Anna Neri"},
	}
	soleTrader.FiscalCode, soleTrader.VATNumber = storetest.Anna, storetest.Bianchi
	person := workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", FiscalCode: storetest.Anna, Email: p.emails[0]}
	unknown, another, newcomer := person, person, person
	unknown.FiscalCode, another.FiscalCode, newcomer.FiscalCode = "", storetest.Sara, provisional
	return []workflow.Record{person, represented, unknown, company, soleTrader, another, {Email: p.emails[1]}, newcomer}
}
