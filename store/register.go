package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
	"stella/workflow/qualification"
)

// registered is the query of scanRegistered.
const registered = `
	select ` + mailboxColumns + `, ` + standing + `
	from mailboxes m
	join records r on r.id = m.record_id
	left join qualifications q on q.id = m.current_id
	left join identities e on e.id = q.identity_id`

// standing are the state of the current qualification q, its time, and the level of its
// identity e.
const standing = `coalesce(q.state, ''), coalesce(q.stepped_at, 'epoch'), coalesce(e.level, '')`

func scanRegistered(row pgx.CollectableRow) (workflow.RegisteredMailbox, error) {
	var found workflow.RegisteredMailbox
	var state qualification.State
	m, s := &found.Mailbox, &found.Summary
	err := row.Scan(append(mailboxInto(m), &state, zeroIfNull(&s.Since), &s.Level)...)
	s.Mailbox, s.Address, s.Status, s.State = m.ID, m.Address, m.Status, state.Public()
	return found, err
}

// RegisteredMailbox returns the mailbox with an address, or workflow.ErrUnknown if there
// is none or if it was deleted.
func (s *Store) RegisteredMailbox(ctx context.Context, address string) (*workflow.RegisteredMailbox, error) {
	m, err := one(ctx, s, scanRegistered, registered+`
		where m.address = $1 and m.deleted_at is null`, address)
	if err != nil {
		return nil, fmt.Errorf("reading a mailbox on record: %w", err)
	}
	return &m, nil
}

// RegisteredMailboxes lists mailboxes by domain, and within a domain by ID. In this order,
// every page starts directly at its place in the index (domain, id). The condition
// is a range of (domain, id) pairs, which only this index supports: otherwise the
// planner underestimates the cost of reading the mailboxes of all domains by ID.
func (s *Store) RegisteredMailboxes(ctx context.Context, f workflow.RegisterFilter) ([]workflow.RegisteredMailbox, error) {
	from := "" // the domain in which the previous page ended
	if f.After != 0 {
		err := s.pool.QueryRow(ctx, `select domain from mailboxes where id = $1`, f.After).Scan(&from)
		if err != nil {
			return nil, fmt.Errorf("finding a place in the list of mailboxes: %w", noRowsToUnknown(err))
		}
	}
	var page []workflow.RegisteredMailbox
	for _, domain := range slices.Compact(slices.Sorted(slices.Values(f.Domains))) {
		after := f.After
		switch {
		case domain < from || len(page) == f.Limit:
			continue
		case domain > from:
			after = 0
		}
		more, err := list(ctx, s, scanRegistered, registered+`
			where (m.domain, m.id) > ($1, $2) and m.domain <= $1 and m.deleted_at is null
			  and (coalesce(cardinality($3::text[]), 0) = 0 or m.status = any($3))
			  and (coalesce(cardinality($4::text[]), 0) = 0 or coalesce(q.state, '') = any($4))
			order by m.domain, m.id limit $5`,
			domain, after, f.Statuses, f.States, f.Limit-len(page))
		if err != nil {
			return nil, fmt.Errorf("listing the mailboxes on record: %w", err)
		}
		page = append(page, more...)
	}
	return page, nil
}

// certified selects whether d.name is a domain of certified mail. It reads one entry
// of the index, whatever statistics the planner has about domains.
const certified = `
	select coalesce((select m.domain from mailboxes m where m.domain >= d.name order by m.domain limit 1) = d.name, false)
	       or exists (select from clients c where d.name = any(c.domains))
	from `

// IsCertified reports whether a domain belongs to a mailbox or to a client.
func (s *Store) IsCertified(ctx context.Context, domain string) (is bool, err error) {
	err = s.pool.QueryRow(ctx, certified+`(select $1::text) d(name)`, domain).Scan(&is)
	if err != nil {
		return false, fmt.Errorf("looking for a domain of certified mail: %w", err)
	}
	return is, nil
}

// Domains lists the domains of the mailboxes on record.
func (s *Store) Domains(ctx context.Context) ([]string, error) {
	// One index lookup for each domain, instead of one for each mailbox.
	all, err := list(ctx, s, pgx.RowTo[string], `
		with recursive each as (
			(select domain from mailboxes order by domain limit 1)
			union all
			select (select m.domain from mailboxes m where m.domain > each.domain order by m.domain limit 1)
			from each where each.domain is not null)
		select domain from each where domain is not null`)
	if err != nil {
		return nil, fmt.Errorf("listing the domains: %w", err)
	}
	return all, nil
}
