package store

import (
	"context"
	"fmt"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"stella/workflow/qualification"
)

// MailboxOfCase returns the ID of the mailbox of a case. It returns
// workflow.ErrUnknown if the mailbox is not in these domains or was deleted.
func (s *Store) MailboxOfCase(ctx context.Context, domains []string, number int64) (int64, error) {
	var mailbox int64
	err := s.pool.QueryRow(ctx, `
		select m.id from qualifications q join mailboxes m on m.id = q.mailbox_id
		where q.number = $1 and m.domain = any($2) and m.deleted_at is null`, number, domains).Scan(&mailbox)
	if err != nil {
		return 0, fmt.Errorf("finding case %d: %w", number, noRowsToUnknown(err))
	}
	return mailbox, nil
}

// perDomain is the left side of a lateral join, which runs a query for each domain
// of $1. So every domain uses the index and reads at most the limit.
const perDomain = `(select distinct unnest($1::text[]) as domain) d`

// conditions are the filter conditions of a list. Only filters that are set are part
// of the statement, so that the planner can choose the right index.
type conditions struct {
	sql  string
	args []any
}

// where adds a condition with one argument. The condition contains $%d in its place.
func (c *conditions) where(condition string, arg any) {
	c.args = append(c.args, arg)
	c.sql += fmt.Sprintf(" and "+condition, len(c.args))
}

// listedState returns the value of the column listed_state in a state: of its own if a
// qualification can stay in it, so that rare ones are found in the index.
func listedState(s qualification.State) string {
	switch s {
	case qualification.Invited, qualification.Rejected:
		return string(s)
	}
	if s.Settled() {
		return string(s)
	}
	return "in_progress"
}

// Qualifications lists qualifications, newest case first. It sorts by the negative
// case number because the indexes by domain contain the negative number.
func (s *Store) Qualifications(ctx context.Context, f qualification.QualificationFilter) ([]qualification.ListedQualification, error) {
	before := f.Before
	if before == 0 {
		before = math.MaxInt64
	}
	c := &conditions{args: []any{f.Domains, before, f.Limit}}
	if f.State != "" {
		c.where("q.listed_state = $%d", listedState(f.State)) // in the index
		c.where("q.state = $%d", f.State)
	}
	if f.Mailbox != "" {
		c.where("m.address = $%d", f.Mailbox)
	}
	all, err := list(ctx, s, pgx.RowToStructByPos[qualification.ListedQualification], `
		select l.address, l.number, l.version, l.state, l.owner, l.reason, l.opened_at, l.stepped_at
		from `+perDomain+`
		cross join lateral (
			select m.address, q.number, q.version, q.state, q.owner, q.reason, q.opened_at, q.stepped_at
			from qualifications q join mailboxes m on m.id = q.mailbox_id
			where q.domain = d.domain and -q.number > -$2::bigint and m.deleted_at is null`+c.sql+`
			order by -q.number limit $3) l
		order by l.number desc limit $3`, c.args...)
	if err != nil {
		return nil, fmt.Errorf("listing qualifications: %w", err)
	}
	return all, nil
}

// SentInvitation returns an invitation. It returns workflow.ErrUnknown if its mailbox
// is not in these domains or was deleted.
func (s *Store) SentInvitation(ctx context.Context, domains []string, id uuid.UUID) (qualification.SentInvitation, error) {
	i, err := one(ctx, s, scanSentInvitation, `
		select `+sentInvitation+`
		where i.id = $1 and m.domain = any($2) and m.deleted_at is null`, id, domains)
	if err != nil {
		return i, fmt.Errorf("finding an invitation: %w", err)
	}
	return i, nil
}

// SentInvitations lists invitations, newest first.
func (s *Store) SentInvitations(ctx context.Context, f qualification.InvitationFilter) ([]qualification.SentInvitation, error) {
	c := &conditions{args: []any{f.Domains, nullIfZero(f.SentBefore), f.Before, f.Limit}}
	switch f.State { // the same rules as workflow.Invitation.State
	case "":
	case qualification.InvitationIsLive:
		c.where("i.ended = '' and i.accepted_at is null and i.expires_at > $%d", f.Now)
	case qualification.InvitationIsAccepted:
		c.sql += " and i.ended = '' and i.accepted_at is not null"
	case qualification.InvitationIsExpired:
		c.where("(i.ended = 'expired' or i.ended = '' and i.accepted_at is null and i.expires_at <= $%d)", f.Now)
	default:
		c.where("i.ended = $%d", f.State)
	}
	if f.Mailbox != "" {
		c.where("m.address = $%d", f.Mailbox)
	}
	all, err := list(ctx, s, scanSentInvitation, `
		select l.*
		from `+perDomain+`
		cross join lateral (
			select `+sentInvitation+`
			where i.domain = d.domain and (i.sent_at, i.id) < (coalesce($2::timestamptz, 'infinity'), $3::uuid)
			  and m.deleted_at is null`+c.sql+`
			order by i.sent_at desc, i.id desc limit $4) l
		order by l.sent_at desc, l.id desc limit $4`, c.args...)
	if err != nil {
		return nil, fmt.Errorf("listing invitations: %w", err)
	}
	return all, nil
}

// sentInvitation are the columns of scanSentInvitation, and their tables. They do
// not include the nonce and digest, from which a link could be made.
const sentInvitation = `
	i.id, i.qualification_id, i.version, i.email, i.sent_at, i.expires_at, i.accepted_at, i.ended_at, i.ended,
	(select ` + mailOutcome + ` from mails m where m.invitation_id = i.id) as mail, m.id as mailbox, m.address, q.number
	from invitations i
	join qualifications q on q.id = i.qualification_id
	join mailboxes m on m.id = q.mailbox_id`

func scanSentInvitation(row pgx.CollectableRow) (i qualification.SentInvitation, err error) {
	err = row.Scan(&i.ID, &i.Qualification, &i.Version, &i.Email, &i.SentAt, &i.ExpiresAt,
		zeroIfNull(&i.AcceptedAt), zeroIfNull(&i.EndedAt), &i.Ended,
		&i.Mail, &i.Mailbox, &i.Address, &i.Number)
	return i, err
}
