package qualification_test

import (
	"time"

	"stella/workflow"
	"stella/workflow/qualification"
)

// The effect of each action on the model, and its expected answer.

func (m *model) open() string {
	if m.status != workflow.Active {
		return "not eligible"
	}
	switch m.state {
	case "", qualification.Expired, qualification.Revoked:
		m.attempt = attempt{number: m.number + 1, version: 1, state: qualification.HolderChoice, stepped: m.now}
	}
	return done
}

func (m *model) chooseKind(k workflow.Kind) string {
	if m.record.Kind != "" && m.record.Kind != k {
		return "kind_differs_" + string(m.record.Kind)
	}
	m.declareKind(k)
	if k == workflow.KindCompany {
		return m.fire(qualification.CompanyChosen)
	}
	return m.fire(qualification.PersonChosen)
}

func (m *model) declareKind(k workflow.Kind) {
	m.declared.kind = k
	if k == workflow.KindPerson {
		m.declared.company = ""
	}
}

func (m *model) enterCompany(code string) string {
	m.declared.company = code
	if m.companyDiffers(code) {
		m.reason = qualification.ReasonCompany
		return m.fire(qualification.CompanyDiffers)
	}
	return m.fire(qualification.CompanyEntered)
}

func (m *model) correctHolder(k workflow.Kind, company string) string {
	switch {
	case m.record.Kind != "" && m.record.Kind != k:
		return "kind_differs_" + string(m.record.Kind)
	case k == workflow.KindCompany && m.companyDiffers(company):
		return "company_code_differs"
	}
	m.declareKind(k)
	if k == workflow.KindCompany {
		m.declared.company = company
	}
	return m.fire(qualification.DataCorrected)
}

func (m *model) fireAndClearLogin(e qualification.Event) string {
	m.fire(e)
	m.clearLogin()
	return done
}

func (m *model) retryLogin() string {
	if m.reason == qualification.ReasonCompany || m.declared.email == "" {
		return "not allowed"
	}
	return m.fireAndClearLogin(qualification.LoginRetried)
}

// passOn continues after a rejection with an invitation, unless the visitor was
// invited.
func (m *model) passOn() string {
	if m.state != qualification.Rejected || m.reason == qualification.ReasonCompany || m.invited {
		return "not allowed"
	}
	return m.fireAndClearLogin(qualification.HolderDenied)
}

func (m *model) stepBack(v visitor, f form) string {
	if why := m.checkForm(v, f); why != "" {
		return why
	}
	if m.lapsed(v) {
		m.lapse()
	}
	if m.invited && m.state == qualification.HolderKind {
		return "not allowed"
	}
	return m.fire(qualification.SteppedBack)
}

func (m *model) invite(v visitor, f form) string {
	if why := m.checkForm(v, f); why != "" {
		return why
	}
	var sent []time.Time
	for _, i := range m.invitations {
		sent = append(sent, i.sent)
	}
	if m.limitReached(sent, 5) {
		return "invitation_limit"
	}
	if m.fire(qualification.HolderInvited) != done {
		return "not allowed"
	}
	m.endInvitation("replaced")
	m.invitations = append(m.invitations, invitation{
		number: m.number, version: m.version, sent: m.now, expires: m.now.Add(7 * 24 * time.Hour),
	})
	return done
}

// withdraw is an action of the delegate, who need not own the case. The page must not
// be older than the newest invitation.
func (m *model) withdraw(v visitor, f form) string {
	switch {
	case m.status != workflow.Active:
		return "not eligible"
	case v.invitation != 0:
		return "elsewhere"
	case f.number != m.number:
		return "stale"
	case m.state != qualification.Invited && !m.invited && f.version == m.version:
		return "not allowed"
	case m.state != qualification.Invited && !m.invited, f.version < m.invitations[len(m.invitations)-1].version:
		return "stale"
	}
	return m.returnToWebmail(qualification.InvitationWithdrawn, "withdrawn")
}

// takeBack is withdraw by a visitor who is the holder and continues.
func (m *model) takeBack() string {
	if m.state != qualification.Invited {
		return "not allowed"
	}
	m.returnToWebmail(qualification.InvitationWithdrawn, "withdrawn")
	return m.fire(qualification.HolderDeclared)
}

// linkError returns the answer for a link that cannot be used, or "".
func (m *model) linkError(n int) string {
	switch i := m.invitations[n]; {
	case i.ended != "":
		return "link " + i.ended
	case m.status != workflow.Active:
		return "not eligible"
	case i.accepted.IsZero() && !m.now.Before(i.expires):
		return "link expired"
	}
	return ""
}

func (m *model) accept(n int) string {
	if why := m.linkError(n); why != "" {
		return why
	}
	if i := &m.invitations[n]; i.accepted.IsZero() {
		m.fire(qualification.InvitationAccepted)
		m.clearLogin()
		i.accepted, m.invited, m.declared, m.saved = m.now, true, declaration{}, ""
	}
	return done
}

func (m *model) decline(n int) string {
	if why := m.linkError(n); why != "" {
		return why
	}
	return m.returnToWebmail(qualification.InvitationDeclined, "declined")
}

func (m *model) startLogin(v visitor) string {
	switch {
	case m.status != workflow.Active:
		return "not eligible"
	case !m.owns(v):
		return "elsewhere"
	case m.suspended():
		return "suspended"
	}
	if m.lapsed(v) && m.state != qualification.AtProvider {
		m.lapse()
	}
	if m.fire(qualification.LoginStarted) != done {
		return "not allowed"
	}
	m.clearLogin()
	m.login = login{number: m.logins, session: v.browser, started: m.now}
	m.logins++
	return done
}

// storeAnswer accepts the first answer to a request. Only that of the newest request is
// used.
func (m *model) storeAnswer(n int, person string) string {
	if m.answered[n] {
		return "unknown"
	}
	m.answered[n] = true
	if m.login.session != "" && m.login.number == n {
		m.login.answer = answer{parked: true, person: person, at: m.now}
	}
	return done
}

// returnFromLogin brings the secret of an answer, if secret is true.
func (m *model) returnFromLogin(v visitor, n int, secret bool) string {
	if m.status != workflow.Active {
		return "not eligible"
	}
	if !secret && m.owns(v) && m.state == qualification.Identification && m.login.failed != "" && v.browser == m.login.session {
		return m.login.failed // the same answer again
	}
	a := m.login.answer
	if !m.owns(v) || m.state != qualification.AtProvider || !m.ownsLogin(v) ||
		!a.parked || !secret || n != m.login.number || m.now.After(a.at.Add(10*time.Minute)) {
		if secret && n == m.login.number || v.browser == m.login.session {
			m.login.answer = answer{} // deleted
		}
		return "elsewhere"
	}
	m.login.answer = answer{}
	switch {
	case m.untrusted():
		m.login.failed = "suspended"
	case a.person == "":
		m.login.failed = "login failed"
	}
	if m.login.failed != "" {
		m.fire(qualification.LoginFailed)
		return m.login.failed
	}
	m.person, m.since = a.person, m.now
	switch m.verdict() {
	case workflow.Matched:
		m.fire(qualification.HolderMatched)
	case workflow.Unproven:
		m.fire(qualification.HolderUnproven)
	default:
		m.fire(qualification.HolderDiffers)
		m.reason = qualification.ReasonHolder
	}
	return done
}

func (m *model) decide(what string) string {
	event := map[string]qualification.Event{
		"approve": qualification.ReviewApproved, "refuse": qualification.ReviewRefused, "revoke": qualification.RevokedByProvider,
	}[what]
	_, ok := leadsTo(m.state, event)
	switch {
	case !ok:
		return "not allowed"
	case what == "refuse":
		m.reason = qualification.ReasonReview
		return m.fire(event)
	case what == "revoke":
		return m.revoke()
	case m.status != workflow.Active:
		return "not eligible"
	case m.untrusted():
		return "suspended"
	case m.verdict() == workflow.Differs:
		return "not allowed"
	}
	return m.qualify(event)
}

// setRecord stores a record, and revokes the star if the record no longer names its
// holder.
func (m *model) setRecord(r workflow.Record) string {
	before := m.record
	m.record, m.status, m.deleted = r, r.Status, false
	if m.star && !m.stillNamesHolder(before) {
		return m.revoke()
	}
	return done
}

func (m *model) suspend(ago time.Duration) string {
	if !m.suspended() {
		m.suspensions = append(m.suspensions, suspension{})
	}
	m.suspensions[len(m.suspensions)-1] = suspension{since: m.now.Add(-ago)}
	return done
}

func (m *model) resume() string {
	if !m.suspended() {
		return "not suspended"
	}
	m.suspensions[len(m.suspensions)-1].until = m.now
	return done
}

// delete revokes the star, and expires an unfinished case unless it is under review.
func (m *model) delete() string {
	if m.deleted {
		return "unknown"
	}
	m.status, m.deleted = workflow.Cancelled, true
	if m.star {
		return m.revoke()
	}
	m.timeOut()
	return done
}

func (m *model) expire() string {
	if m.stepped.Before(m.now.Add(-30 * 24 * time.Hour)) {
		m.timeOut()
	}
	return done
}

func (m *model) timeOut() {
	if m.fire(qualification.TimedOut) == done {
		m.endInvitation("expired")
		m.spendCodes()
	}
}
