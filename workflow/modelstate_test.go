package workflow_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"stella/workflow"
)

// A model is what a mailbox's case must be, by the rules of the procedure
// alone. It takes from the product the table of the machine, and from package
// otp the arithmetic of the limits; each has tests of its own.
type model struct {
	now     time.Time
	status  workflow.Status
	deleted bool
	record  workflow.Record
	star    bool
	attempt // the newest

	ordinary    string // came with the star
	invitations []invitation
	codes       []code // in the order in which they were asked for
	wrong       []time.Time
	told        []time.Time // when it was made known that the code goes elsewhere
	suspensions []suspension
	logins      int // that were started
	answered    map[int]bool
}

type attempt struct {
	number   int // of the mailbox's cases; 0 before the first
	version  int
	state    workflow.State
	stepped  time.Time
	invited  bool // an invited holder owns it
	declared declaration
	saved    string // the address, on the summary or after the login
	reason   workflow.Reason
	login    login
	person   string // who was identified; empty while nobody is
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
	failed  string // how it was answered, if nobody was identified
}

// answer is what waits for the browser that asked: a person, or a failure.
type answer struct {
	parked bool
	person string
	at     time.Time
}

type invitation struct {
	number, version         int // of the case that sent it
	ended                   string
	sent, expires, accepted time.Time
}

type code struct {
	number                                     int // of the case
	asked, started, accepted, refused, dropped time.Time
	spent                                      bool
}

type suspension struct{ since, until time.Time }

// visitor is who acts: from the webmail, or by one of the invitations.
type visitor struct {
	browser    string
	invitation int // counted from 1; 0 for the webmail's
}

type form struct{ number, version int }

func (m *model) clone() *model {
	c := *m
	c.invitations, c.codes, c.suspensions = slices.Clone(m.invitations), slices.Clone(m.codes), slices.Clone(m.suspensions)
	c.wrong, c.told, c.answered = slices.Clone(m.wrong), slices.Clone(m.told), maps.Clone(m.answered)
	return &c
}

func (m *model) owns(v visitor) bool {
	if !m.invited {
		return v.invitation == 0
	}
	return v.invitation == len(m.invitations)
}

// fire makes a step, if the table has it.
func (m *model) fire(e workflow.Event) string {
	to, ok := leadsTo(m.state, e)
	if !ok {
		return "not allowed"
	}
	m.state, m.stepped = to, m.now
	m.version++
	return done
}

const done = "made"

// step is what every step of the owner has in common.
func (m *model) step(v visitor, f form, e workflow.Event, do func() string) string {
	if why := m.refuses(v, f); why != "" {
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

func (m *model) refuses(v visitor, f form) string {
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

// lapsed: the state hangs on a login that does not count for the visitor.
func (m *model) lapsed(v visitor) bool {
	switch m.state {
	case workflow.AtProvider, workflow.Identified, workflow.Contract, workflow.CodeEntry:
		return !m.ownsLogin(v) || m.disbelieved()
	}
	return false
}

func (m *model) ownsLogin(v visitor) bool {
	from := m.since
	if m.state == workflow.AtProvider {
		from = m.login.started
	}
	return m.login.session == v.browser && m.now.Before(from.Add(30*time.Minute))
}

// disbelieved: the provider was suspended when it spoke.
func (m *model) disbelieved() bool {
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
	m.fire(workflow.IdentityLapsed)
	m.spendCodes()
}

func (m *model) spendCodes() {
	for i := range m.codes {
		m.codes[i].spent = true
	}
}

func (m *model) forgetLogin() { m.login, m.person, m.since, m.reason = login{}, "", time.Time{}, "" }

func (m *model) endInvitation(why string) {
	if n := len(m.invitations); n > 0 && m.invitations[n-1].ended == "" {
		m.invitations[n-1].ended = why
	}
}

// leave passes the case back to the webmail, with nothing in it.
func (m *model) leave(e workflow.Event, why string) string {
	if m.fire(e) != done {
		return "not allowed"
	}
	m.endInvitation(why)
	m.spendCodes()
	m.forgetLogin()
	m.declared, m.saved, m.invited = declaration{}, "", false
	return done
}

func (m *model) address() string {
	if m.ordinary != "" {
		return m.ordinary
	}
	return m.record.Email
}

// contacts is what was entered. After the login the code goes there at once.
func (m *model) contacts(e workflow.Event, email string) string {
	redirects := e == workflow.ContactsCorrected && email != m.declared.email
	if redirects && m.limited(email) {
		return "contacts_limit"
	}
	m.fire(e)
	m.declared.email = email
	if !redirects {
		return done
	}
	m.save(email)
	if m.state == workflow.CodeEntry {
		m.redirectCode()
	}
	return done
}

// confirmData saves what was entered: the code goes there.
func (m *model) confirmData() string {
	if m.limited(m.declared.email) {
		return "contacts_limit"
	}
	m.fire(workflow.DataConfirmed)
	m.save(m.declared.email)
	return done
}

// elsewhere: it is neither the address on record nor the one saved last. This is
// made known to the one on record, five times a day.
func (m *model) elsewhere(email string) bool {
	return email != m.saved && !strings.EqualFold(email, m.address())
}

func (m *model) limited(email string) bool { return m.elsewhere(email) && m.often(m.told, 5) }

func (m *model) save(email string) {
	if m.elsewhere(email) {
		m.told = append(m.told, m.now)
	}
	m.saved = email
}

// often: so many or more in the last day.
func (m *model) often(times []time.Time, many int) bool {
	recent := 0
	for _, t := range times {
		if t.Add(24 * time.Hour).After(m.now) {
			recent++
		}
	}
	return recent >= many
}

func (m *model) qualify(e workflow.Event) string {
	m.fire(e)
	m.star, m.ordinary = true, m.declared.email
	m.endInvitation("finished")
	return done
}

func (m *model) revoke() string {
	m.fire(workflow.RevokedByProvider)
	m.star, m.ordinary = false, ""
	return done
}
