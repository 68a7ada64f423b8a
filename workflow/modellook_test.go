package workflow_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"stella/workflow"
)

// letIn keeps a visitor who came.
func (p *play) letIn(v visitor, who workflow.Visitor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.visitors[v]; !known {
		p.order = append(p.order, v)
	}
	p.visitors[v] = who
}

func (p *play) form(f form) workflow.Form {
	if f.number == 0 {
		return workflow.Form{}
	}
	return workflow.Form{Qualification: p.cases[f.number-1], Version: f.version}
}

// look reads the case, and learns what is new in it.
func (p *play) look(t *rapid.T) *workflow.Case {
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
	if q.Login != nil { // the later of two at once may have been noted first
		last, at := len(p.logins)-1, slices.Index(p.logins, q.Login.ID)
		if at == last-1 && q.State == workflow.AtProvider {
			p.logins[at], p.logins[last] = p.logins[last], p.logins[at]
		}
	}
	for _, code := range c.Codes {
		if slices.Contains(p.codes, code.ID) {
			continue
		}
		var mail uuid.UUID
		if err := p.Pool().QueryRow(p.ctx, `select id from mails where code_id = $1`, code.ID).Scan(&mail); err != nil {
			t.Fatalf("the mail of a code: %v", err)
		}
		p.codes, p.mails = append(p.codes, code.ID), append(p.mails, mail)
		p.digits = append(p.digits, workflow.CodeDigits(p.Procedure.Keys, code.Nonce))
	}
	return c
}

// check compares the case with the model, and asks the database for what must
// never be false.
func (p *play) check(t *rapid.T) {
	if got, want := p.tell(p.look(t)), p.m.tell(p.order); got != want {
		t.Fatalf("the case is\n%s\nwant\n%s", got, want)
	}
	var broken []string
	if err := p.Pool().QueryRow(p.ctx, mustBeTrue, p.mailbox).Scan(&broken); err != nil {
		t.Fatalf("asking what must be true: %v", err)
	}
	if len(broken) > 0 {
		t.Fatalf("in the database %s", strings.Join(broken, ", "))
	}
}

// tell writes down all that the model knows of a case.
func (p *play) tell(c *workflow.Case) string {
	m, q := c.Mailbox, c.Qualification
	var b strings.Builder
	writeMailbox(&b, m.Status, m.Deleted(), m.Record, m.Star != nil, m.Ordinary, len(m.WrongCodes))
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
	alive := 0
	for _, code := range c.Codes {
		if code.SpentAt.IsZero() {
			alive++
		}
	}
	fmt.Fprintf(&b, "%d codes alive\n", alive)
	if q.State == workflow.CodeEntry {
		writePage(&b, p.Procedure.CodePage(c))
	}
	for _, v := range p.order {
		if who := p.visitors[v]; c.Knows(who) {
			fmt.Fprintf(&b, "%v sees %s\n", v, c.Stage(who))
		}
	}
	return b.String()
}

func writeMailbox(b *strings.Builder, s workflow.Status, deleted bool, r workflow.Record, star bool, ordinary string, wrong int) {
	fmt.Fprintf(b, "mailbox %s, deleted %v, star %v, ordinary %q, %d wrong\n", s, deleted, star, ordinary, wrong)
	fmt.Fprintf(b, "on record %s %s %s %v %s\n", r.Kind, r.FiscalCode, r.VATNumber, r.Representatives, r.Email)
}

func writePage(b *strings.Builder, page workflow.CodePage) {
	fmt.Fprintf(b, "the page says %s until %s, paused until %s, another at %s, elsewhere at %s\n",
		page.Status, page.Expires.UTC(), page.PausedUntil.UTC(), page.ResendAt.UTC(), page.RedirectAt.UTC())
}

// tell writes down the model in the same words.
func (m *model) tell(order []visitor) string {
	var b strings.Builder
	writeMailbox(&b, m.status, m.deleted, m.record, m.star, m.ordinary, len(m.wrong))
	if m.number == 0 {
		return b.String()
	}
	owner := workflow.OwnedByWebmail
	if m.invited {
		owner = workflow.OwnedByInvited
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
	alive := 0
	for _, c := range m.codes {
		if !c.spent {
			alive++
		}
	}
	fmt.Fprintf(&b, "%d codes alive\n", alive)
	if m.state == workflow.CodeEntry {
		writePage(&b, m.page())
	}
	for _, v := range order {
		if v.invitation == 0 || m.owns(v) {
			fmt.Fprintf(&b, "%v sees %s\n", v, m.sees(v))
		}
	}
	return b.String()
}

// sees: a delegate sees of somebody else's case that it is under way, and a
// login counts for the session that made it.
func (m *model) sees(v visitor) workflow.State {
	switch m.state {
	case workflow.Qualified, workflow.Revoked, workflow.Expired, workflow.UnderReview:
		return m.state
	}
	switch {
	case !m.owns(v):
		return workflow.Invited
	case m.lapsed(v):
		return workflow.Identification
	}
	return m.state
}

// mustBeTrue lists what is false of a mailbox, of all that must never be.
const mustBeTrue = `
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
			then 'star and qualification are two' end,
		case when (select count(*) from q where unfinished) > 1 then 'two cases are unfinished' end,
		case when exists (select from s where version <> former + 1 or from_state is distinct from before or (from_state is null) <> (event = 'opened'))
			then 'the log has a gap' end,
		case when (select array_agg((id, version, state) order by id) from q) is distinct from
				(select array_agg((id, version, to_state) order by id) from (
					select distinct on (qualification_id) qualification_id as id, version, to_state from s order by qualification_id, version desc) newest)
			then 'a state is not in the log' end,
		case when (select count(*) from c where spent_at is null) > 1 or exists (select from c where spent_at is null and state <> 'code')
			then 'a code outlives its page' end,
		case when exists (select from q left join invitations i on i.id = q.invitation_id
				where (q.state = 'invited' or q.owner = 'invited' and q.unfinished) <> coalesce(i.ended = '', false))
			then 'an invitation does not live as long as its case' end,
		case when (select count(*) from c) <> (select count(*) from s where event = 'code_requested')
				or (select count(*) from c) <> (select count(*) from mails m join c on c.id = m.code_id)
			then 'codes, their steps and their mails are not as many' end,
		case when (select count(*) from s where event = 'holder_invited')
				<> (select count(*) from mails m join q on q.id = m.qualification_id where m.kind = 'invitation')
			then 'invitations and their mails are not as many' end,
		case when (select count(*) from s where event = 'opened' or from_state <> to_state
					and to_state in ('invited', 'under_review', 'qualified', 'rejected', 'revoked', 'expired'))
				<> (select count(*) from announcements where mailbox_id = $1)
			then 'what is announced is not what happened' end,
		case when exists (select from s join q on q.id = s.qualification_id where s.to_state = 'qualified'
				and not (s.event = 'code_right' and s.refs ->> 'verdict' = 'matched' or s.event = 'review_approved' and s.refs ? 'decision'))
			then 'a star rests on nothing' end,
		case when exists (select from q where state = 'qualified' and (identity_id is null or declaration_id is null or document is null))
			then 'a star without a person, data or contract' end
	], null)`
