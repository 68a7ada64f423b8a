package qualification_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"stella/workflow"
	"stella/workflow/qualification"
)

// A model is the expected state of a mailbox's case, computed from the rules of the
// procedure only. It shares with the product the table of transitions and the
// arithmetic of the limits in package otp, which have separate tests.
type model struct {
	now     time.Time
	status  workflow.Status
	deleted bool
	record  workflow.Record
	star    bool
	attempt // the newest

	ordinary    string // came with the star
	invitations []invitation
	codes       []code // in order of the requests
	wrong       []time.Time
	notified    []time.Time // notifications of another address
	suspensions []suspension
	logins      int // number of started logins
	answered    map[int]bool
}

type attempt struct {
	number   int // of the mailbox's cases; 0 before the first
	version  int
	state    qualification.State
	stepped  time.Time
	invited  bool // an invited holder owns it
	declared declaration
	saved    string // the address saved on the summary or after the login
	reason   qualification.Reason
	login    login
	person   string // the identified person; empty before
	since    time.Time
}

type declaration struct {
	kind           workflow.Kind
	company, email string
}

type login struct {
	number  int
	session string
	started time.Time
	answer  answer
	failed  string // the answer to the visitor, if the login failed
}

// answer is the stored answer of a login: a person or a failure.
type answer struct {
	parked bool
	person string
	at     time.Time
}

type invitation struct {
	number, version         int // case that sent it
	ended                   string
	sent, expires, accepted time.Time
}

type code struct {
	number                                     int // of the case
	asked, started, accepted, refused, dropped time.Time
	spent                                      bool
}

type suspension struct{ since, until time.Time }

// visitor is a user of the webmail, or an invited holder.
type visitor struct {
	browser    string
	invitation int // counted from 1; 0 for a user of the webmail
}

type form struct{ number, version int }

func (m *model) clone() *model {
	c := *m
	c.invitations, c.codes, c.suspensions = slices.Clone(m.invitations), slices.Clone(m.codes), slices.Clone(m.suspensions)
	c.wrong, c.notified, c.answered = slices.Clone(m.wrong), slices.Clone(m.notified), maps.Clone(m.answered)
	return &c
}

func (m *model) owns(v visitor) bool {
	if !m.invited {
		return v.invitation == 0
	}
	return v.invitation == len(m.invitations)
}

// fire makes a step, if the table allows it.
func (m *model) fire(e qualification.Event) string {
	to, ok := leadsTo(m.state, e)
	if !ok {
		return "not allowed"
	}
	m.state, m.stepped = to, m.now
	m.version++
	return done
}

const done = "made"

// step contains the checks of every step of the owner.
func (m *model) step(v visitor, f form, e qualification.Event, do func() string) string {
	if why := m.checkForm(v, f); why != "" {
		return why
	}
	if m.lapsed(v) {
		m.lapse()
		return "lapsed"
	}
	if _, ok := leadsTo(m.state, e); !ok {
		return "not allowed"
	}
	return do()
}

func (m *model) checkForm(v visitor, f form) string {
	switch {
	case m.status != workflow.Active:
		return "not eligible"
	case !m.owns(v):
		return "elsewhere"
	case f != form{m.number, m.version}:
		return "stale"
	}
	return ""
}

// lapsed reports whether the state depends on a login that is not valid for the
// visitor.
func (m *model) lapsed(v visitor) bool {
	switch m.state {
	case qualification.AtProvider, qualification.Identified, qualification.Contract, qualification.CodeEntry:
		return !m.ownsLogin(v) || m.untrusted()
	}
	return false
}

func (m *model) ownsLogin(v visitor) bool {
	from := m.since
	if m.state == qualification.AtProvider {
		from = m.login.started
	}
	return m.login.session == v.browser && m.now.Before(from.Add(30*time.Minute))
}

// untrusted reports whether the provider was suspended at the time of the login.
func (m *model) untrusted() bool {
	from, to := m.login.started, m.now
	if m.person != "" {
		from, to = m.since, m.since
	}
	return slices.ContainsFunc(m.suspensions, func(s suspension) bool {
		return !to.Before(s.since) && (s.until.IsZero() || from.Before(s.until))
	})
}

func (m *model) suspended() bool {
	n := len(m.suspensions)
	return n > 0 && m.suspensions[n-1].until.IsZero()
}

func (m *model) lapse() {
	m.fire(qualification.IdentityLapsed)
	m.spendCodes()
}

func (m *model) spendCodes() {
	for i := range m.codes {
		m.codes[i].spent = true
	}
}

func (m *model) clearLogin() { m.login, m.person, m.since, m.reason = login{}, "", time.Time{}, "" }

func (m *model) endInvitation(why string) {
	if n := len(m.invitations); n > 0 && m.invitations[n-1].ended == "" {
		m.invitations[n-1].ended = why
	}
}

// returnToWebmail returns the case to the users of the webmail, without any input.
func (m *model) returnToWebmail(e qualification.Event, why string) string {
	if m.fire(e) != done {
		return "not allowed"
	}
	m.endInvitation(why)
	m.spendCodes()
	m.clearLogin()
	m.declared, m.saved, m.invited = declaration{}, "", false
	return done
}

func (m *model) address() string {
	if m.ordinary != "" {
		return m.ordinary
	}
	return m.record.Email
}

// contacts stores the entered contacts. After the login, the code is sent there
// immediately.
func (m *model) contacts(e qualification.Event, email string) string {
	redirects := e == qualification.ContactsCorrected && email != m.declared.email
	if redirects && m.limited(email) {
		return "contacts_limit"
	}
	m.fire(e)
	m.declared.email = email
	if !redirects {
		return done
	}
	m.save(email)
	if m.state == qualification.CodeEntry {
		m.redirectCode()
	}
	return done
}

// confirmData saves the entered contacts, to which the code will be sent.
func (m *model) confirmData() string {
	if m.limited(m.declared.email) {
		return "contacts_limit"
	}
	m.fire(qualification.DataConfirmed)
	m.save(m.declared.email)
	return done
}

// mustNotify reports whether the address is neither the one on record nor the one that
// was saved last. Such a change is notified to the address on record, five times a day
// at most.
func (m *model) mustNotify(email string) bool {
	return email != m.saved && !strings.EqualFold(email, m.address())
}

func (m *model) limited(email string) bool {
	return m.mustNotify(email) && m.limitReached(m.notified, 5)
}

func (m *model) save(email string) {
	if m.mustNotify(email) {
		m.notified = append(m.notified, m.now)
	}
	m.saved = email
}

// limitReached reports whether there are at least this many times in the last 24 hours.
func (m *model) limitReached(times []time.Time, many int) bool {
	recent := 0
	for _, t := range times {
		if t.Add(24 * time.Hour).After(m.now) {
			recent++
		}
	}
	return recent >= many
}

func (m *model) qualify(e qualification.Event) string {
	m.fire(e)
	m.star, m.ordinary = true, m.declared.email
	m.endInvitation("finished")
	return done
}

func (m *model) revoke() string {
	m.fire(qualification.RevokedByProvider)
	m.star, m.ordinary = false, ""
	return done
}
