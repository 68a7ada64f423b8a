package qualification_test

import (
	"time"

	"stella/otp"
	"stella/workflow"
	"stella/workflow/qualification"
)

// The part of the model for codes.

func (m *model) acknowledge(notice string) string {
	if notice == "another" {
		return "contract changed"
	}
	m.fire(qualification.ContractRead)
	m.replaceCode()
	return done
}

func (m *model) askForCode() string {
	switch {
	case m.paused():
		return "code_paused"
	case m.mustWait():
		return "resend_wait"
	}
	return m.requestCode()
}

func (m *model) paused() bool {
	_, paused := otp.Defaults.PausedUntil(m.wrong, m.now)
	return paused
}

func (m *model) mustWait() bool { return m.nextSend().After(m.now) }

func (m *model) nextSend() time.Time { return m.next(otp.Defaults) }

// nextRedirect returns when a code may be sent to another address: only the limit of 15
// minutes applies.
func (m *model) nextRedirect() time.Time {
	limits := otp.Defaults
	limits.Every = 0
	return m.next(limits)
}

func (m *model) next(limits otp.Limits) time.Time {
	var asked []time.Time
	for _, c := range m.codes {
		asked = append(asked, c.asked)
	}
	return limits.NextSend(asked, m.now)
}

func (m *model) replaceCode() {
	m.spendCodes()
	if !m.paused() && !m.mustWait() {
		m.requestCode()
	}
}

func (m *model) redirectCode() {
	m.spendCodes()
	if !m.paused() && !m.nextRedirect().After(m.now) {
		m.requestCode()
	}
}

func (m *model) requestCode() string {
	m.fire(qualification.CodeRequested)
	m.spendCodes()
	m.codes = append(m.codes, code{number: m.number, asked: m.now})
	return done
}

// newest returns the valid code, or nil.
func (m *model) newest() *code {
	if n := len(m.codes); n > 0 && !m.codes[n-1].spent {
		return &m.codes[n-1]
	}
	return nil
}

func (c *code) from() time.Time {
	if c.accepted.IsZero() {
		return c.started
	}
	return c.accepted
}

// live reports whether the code is valid: for 60 seconds after the relay accepted its
// mail.
func (c *code) live(now time.Time) bool {
	return !c.from().IsZero() && !now.Before(c.from()) && now.Before(c.from().Add(time.Minute))
}

// typeCode types the digits of a requested code, or a wrong code for -1.
func (m *model) typeCode(which int) string {
	newest := m.newest()
	wasRight := which >= 0 && m.codes[which].spent && m.codes[which].number == m.number
	switch {
	case m.paused():
		return "code_paused"
	case newest != nil && newest.live(m.now) && which == len(m.codes)-1:
		return m.codeRight()
	case (newest == nil || newest.started.IsZero()) && wasRight:
		return "code_replaced"
	case newest == nil || newest.started.IsZero():
		return "code_not_sent"
	case !newest.live(m.now):
		return "code_expired"
	case wasRight:
		return "code_replaced"
	}
	if len(m.wrong) == 5 {
		m.wrong = nil
	}
	m.wrong = append(m.wrong, m.now)
	if m.paused() {
		m.fire(qualification.CodeSpent)
		m.spendCodes()
		return "code_paused"
	}
	m.fire(qualification.CodeWrong)
	return "code_wrong"
}

func (m *model) codeRight() string {
	m.spendCodes()
	m.wrong = nil
	switch m.verdict() {
	case workflow.Matched:
		m.qualify(qualification.CodeRight)
	case workflow.Unproven:
		m.fire(qualification.CodeRightUnproven)
	default:
		m.lapse()
		m.clearLogin()
		return "lapsed"
	}
	return done
}

func (m *model) mail(i int, what string) string {
	c := &m.codes[i]
	if !c.accepted.IsZero() || !c.refused.IsZero() || !c.dropped.IsZero() {
		return "unknown"
	}
	if c.started.IsZero() {
		c.started = m.now
	}
	switch what {
	case "accepted":
		c.accepted = m.now
	case "refused":
		c.refused = m.now
	case "dropped":
		c.dropped, c.started = m.now, time.Time{}
	case "deferred":
		c.started = time.Time{}
	}
	return done
}

// page returns the expected data of the code's page.
func (m *model) page() qualification.CodePage {
	var page qualification.CodePage
	if next := m.nextSend(); next.After(m.now) {
		page.ResendAt = next
	}
	if next := m.nextRedirect(); next.After(m.now) {
		page.RedirectAt = next
	}
	if until, paused := otp.Defaults.PausedUntil(m.wrong, m.now); paused && until.After(page.RedirectAt) {
		page.RedirectAt = until
	}
	newest := m.newest()
	switch until, paused := otp.Defaults.PausedUntil(m.wrong, m.now); {
	case paused:
		page.Status, page.PausedUntil = qualification.CodePaused, until
	case newest == nil:
		page.Status = qualification.CodeNone
	case !newest.refused.IsZero():
		page.Status = qualification.CodeRefused
	case !newest.dropped.IsZero():
		page.Status = qualification.CodeDropped
	case !newest.from().IsZero() && !newest.live(m.now):
		page.Status, page.Expires = qualification.CodeExpired, newest.from().Add(time.Minute)
	case !newest.accepted.IsZero():
		page.Status, page.Expires = qualification.CodeSent, newest.from().Add(time.Minute)
	case m.now.After(newest.asked.Add(90 * time.Second)):
		page.Status = qualification.CodeDropped
	default:
		page.Status = qualification.CodeSending
	}
	return page
}
