package qualification_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"stella/workflow"
	"stella/workflow/qualification"
)

// addVisitor stores a visitor.
func (p *run) addVisitor(v visitor, who workflow.Visitor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.visitors[v]; !known {
		p.order = append(p.order, v)
	}
	p.visitors[v] = who
}

func (p *run) form(f form) qualification.Form {
	if f.number == 0 {
		return qualification.Form{}
	}
	return qualification.Form{Qualification: p.cases[f.number-1], Version: f.version}
}

// readCase reads the case, and stores the IDs, links and codes that are new in it.
func (p *run) readCase(t *rapid.T) *qualification.Case {
	c, err := p.View(p.ctx, p.mailbox)
	if err != nil {
		t.Fatalf("reading the case: %v", err)
	}
	c.Now = p.Clock.Now()
	q := c.Qualification
	if q == nil {
		return c
	}
	if !slices.Contains(p.cases, q.ID) {
		p.cases = append(p.cases, q.ID)
	}
	if i := q.Invitation; i != nil {
		if link := workflow.InvitationSecret(p.Procedure.Keys, i.Nonce); !slices.Contains(p.links, link) {
			p.links = append(p.links, link)
		}
	}
	if q.Login != nil { // of two concurrent logins, the later one may have been stored first
		last, at := len(p.logins)-1, slices.Index(p.logins, q.Login.ID)
		if at == last-1 && q.State == qualification.AtProvider {
			p.logins[at], p.logins[last] = p.logins[last], p.logins[at]
		}
	}
	for _, code := range c.Codes {
		if slices.Contains(p.codes, code.ID) {
			continue
		}
		var mail uuid.UUID
		if err := p.Pool().QueryRow(p.ctx, `select id from mails where code_id = $1`, code.ID).Scan(&mail); err != nil {
			t.Fatalf("reading the mail of a code: %v", err)
		}
		p.codes, p.mails = append(p.codes, code.ID), append(p.mails, mail)
		p.digits = append(p.digits, workflow.CodeDigits(p.Procedure.Keys, code.Nonce))
	}
	return c
}

// check compares the case with the model, and checks the invariants of the database.
func (p *run) check(t *rapid.T) {
	if got, want := p.describe(p.readCase(t)), p.m.describe(p.order); got != want {
		t.Fatalf("the case is\n%s\nwant\n%s", got, want)
	}
	var broken []string
	if err := p.Pool().QueryRow(p.ctx, violations, p.mailbox).Scan(&broken); err != nil {
		t.Fatalf("checking the invariants: %v", err)
	}
	if len(broken) > 0 {
		t.Fatalf("violated in the database: %s", strings.Join(broken, ", "))
	}
}

// describe returns the part of a case that the model knows, as text.
func (p *run) describe(c *qualification.Case) string {
	m, q := c.Mailbox, c.Qualification
	var b strings.Builder
	describeMailbox(&b, m.Status, m.Deleted(), m.Record, m.Star != nil, m.Ordinary, len(m.WrongCodes))
	if q == nil {
		return b.String()
	}
	fmt.Fprintf(&b, "case %d: %s %d, %s's, %s\n", slices.Index(p.cases, q.ID)+1, q.State, q.Version, q.Owner, q.Reason)
	if q.Declaration != nil {
		fmt.Fprintf(&b, "declared %s %s %s\n", q.Declaration.Kind, q.Declaration.CompanyCode, q.Declaration.Email)
	}
	if q.Identity != nil {
		fmt.Fprintf(&b, "identified %s at %s\n", strings.TrimPrefix(q.Identity.FiscalNumber, "TINIT-"), q.Identity.IdentifiedAt.UTC())
	}
	if q.Login != nil {
		fmt.Fprintf(&b, "login %d, parked %v\n", slices.Index(p.logins, q.Login.ID), q.Login.Answer != nil)
	}
	if i := q.Invitation; i != nil {
		fmt.Fprintf(&b, "invitation %d, accepted %v, %s\n", i.Version, i.Accepted(), i.Ended)
	}
	valid := 0
	for _, code := range c.Codes {
		if code.SpentAt.IsZero() {
			valid++
		}
	}
	fmt.Fprintf(&b, "%d valid codes\n", valid)
	if q.State == qualification.CodeEntry {
		describePage(&b, p.Procedure.CodePage(c))
	}
	for _, v := range p.order {
		if who := p.visitors[v]; c.CanView(who) {
			fmt.Fprintf(&b, "%v sees %s\n", v, c.Stage(who))
		}
	}
	return b.String()
}

func describeMailbox(b *strings.Builder, s workflow.Status, deleted bool, r workflow.Record, star bool, ordinary string, wrong int) {
	fmt.Fprintf(b, "mailbox %s, deleted %v, star %v, ordinary %q, %d wrong\n", s, deleted, star, ordinary, wrong)
	fmt.Fprintf(b, "on record %s %s %s %v %s\n", r.Kind, r.FiscalCode, r.VATNumber, r.Representatives, r.Email)
}

func describePage(b *strings.Builder, page qualification.CodePage) {
	fmt.Fprintf(b, "code page: %s until %s, paused until %s, next code at %s, to another address at %s\n",
		page.Status, page.Expires.UTC(), page.PausedUntil.UTC(), page.ResendAt.UTC(), page.RedirectAt.UTC())
}

// describe returns the model as text, in the same form as for a case.
func (m *model) describe(order []visitor) string {
	var b strings.Builder
	describeMailbox(&b, m.status, m.deleted, m.record, m.star, m.ordinary, len(m.wrong))
	if m.number == 0 {
		return b.String()
	}
	owner := qualification.OwnedByWebmail
	if m.invited {
		owner = qualification.OwnedByInvited
	}
	fmt.Fprintf(&b, "case %d: %s %d, %s's, %s\n", m.number, m.state, m.version, owner, m.reason)
	if m.declared != (declaration{}) {
		fmt.Fprintf(&b, "declared %s %s %s\n", m.declared.kind, m.declared.company, m.declared.email)
	}
	if m.person != "" {
		fmt.Fprintf(&b, "identified %s at %s\n", m.person, m.since.UTC())
	}
	if m.login.session != "" {
		fmt.Fprintf(&b, "login %d, parked %v\n", m.login.number, m.login.answer.parked)
	}
	if n := len(m.invitations); n > 0 && m.invitations[n-1].number == m.number {
		i := m.invitations[n-1]
		fmt.Fprintf(&b, "invitation %d, accepted %v, %s\n", i.version, !i.accepted.IsZero(), i.ended)
	}
	valid := 0
	for _, c := range m.codes {
		if !c.spent {
			valid++
		}
	}
	fmt.Fprintf(&b, "%d valid codes\n", valid)
	if m.state == qualification.CodeEntry {
		describePage(&b, m.page())
	}
	for _, v := range order {
		if v.invitation == 0 || m.owns(v) {
			fmt.Fprintf(&b, "%v sees %s\n", v, m.stage(v))
		}
	}
	return b.String()
}

// stage returns the state that a visitor sees. A delegate sees only that the holder's
// case is in progress, and a login is valid only in its session.
func (m *model) stage(v visitor) qualification.State {
	switch m.state {
	case qualification.Qualified, qualification.Revoked, qualification.Expired, qualification.UnderReview:
		return m.state
	}
	switch {
	case !m.owns(v):
		return qualification.Invited
	case m.lapsed(v):
		return qualification.Identification
	}
	return m.state
}

// violations selects the invariants that are violated for a mailbox.
const violations = `
	with q as (
		select *, state not in ('qualified', 'revoked', 'expired') as unfinished from qualifications where mailbox_id = $1
	), s as (
		select s.*, lag(s.version, 1, 0) over w as former, lag(s.to_state) over w as before
		from steps s join q on q.id = s.qualification_id
		window w as (partition by s.qualification_id order by s.version)
	), c as (
		select c.*, q.state from codes c join q on q.id = c.qualification_id
	)
	select array_remove(array[
		case when (select star from mailboxes where id = $1) is distinct from (select id from q where state = 'qualified')
			then 'the star is not that of the qualified case' end,
		case when (select count(*) from q where unfinished) > 1 then 'two cases are unfinished' end,
		case when exists (select from s where version <> former + 1 or from_state is distinct from before
					or (from_state is null) <> (event = 'opened'))
			then 'the log has a gap' end,
		case when (select array_agg((id, version, state) order by id) from q) is distinct from
				(select array_agg((id, version, to_state) order by id) from (
					select distinct on (qualification_id) qualification_id as id, version, to_state from s
					order by qualification_id, version desc) newest)
			then 'a state is not in the log' end,
		case when (select count(*) from c where spent_at is null) > 1 or exists (select from c where spent_at is null and state <> 'code')
			then 'a code is valid outside its page' end,
		case when exists (select from q left join invitations i on i.id = q.invitation_id
				where (q.state = 'invited' or q.owner = 'invited' and q.unfinished) <> coalesce(i.ended = '', false))
			then 'an invitation is not valid as long as its case needs it' end,
		case when (select count(*) from c) <> (select count(*) from s where event = 'code_requested')
				or (select count(*) from c) <> (select count(*) from mails m join c on c.id = m.code_id)
			then 'the numbers of codes, their steps and their mails differ' end,
		case when (select count(*) from s where event = 'holder_invited')
				<> (select count(*) from mails m join q on q.id = m.qualification_id where m.kind = 'invitation')
			then 'the numbers of invitations and their mails differ' end,
		case when (select count(*) from s where event = 'opened' or from_state <> to_state
					and to_state in ('invited', 'under_review', 'qualified', 'rejected', 'revoked', 'expired'))
				<> (select count(*) from announcements where mailbox_id = $1)
			then 'the announcements do not match the log' end,
		case when exists (select from s join q on q.id = s.qualification_id where s.to_state = 'qualified'
				and not (s.event = 'code_right' and s.refs ->> 'verdict' = 'matched'
					or s.event = 'review_approved' and s.refs ? 'decision'))
			then 'a star has no basis in the log' end,
		case when exists (select from q where state = 'qualified' and (identity_id is null or declaration_id is null or document is null))
			then 'a star without a person, data or contract' end
	], null)`
