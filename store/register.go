package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// registered reads what scanRegistered scans.
const registered = `
	select m.id, m.address, m.status, coalesce(m.ordinary, ''), m.star, m.wrong_codes,
	       r.id, r.kind, r.name, r.fiscal_code, r.vat_number, r.representatives, r.email, r.status, r.imported_by, r.imported_at,
	       m.standing_state, m.standing_since, m.standing_level
	from mailboxes m
	join records r on r.id = m.record_id`

func scanRegistered(row pgx.CollectableRow) (workflow.Registered, error) {
	var found workflow.Registered
	m, r, s := &found.Mailbox, &found.Mailbox.Record, &found.Standing
	var since *time.Time
	err := row.Scan(&m.ID, &m.Address, &m.Status, &m.Ordinary, &m.Star, &m.WrongCodes,
		&r.ID, &r.Kind, &r.Name, &r.FiscalCode, &r.VATNumber, &r.Representatives, &r.Email, &r.Status, &r.ImportedBy, &r.ImportedAt,
		&s.State, &since, &s.Level)
	s.Mailbox, s.Address, s.Status, s.Since, s.Starred = m.ID, m.Address, m.Status, timeOf(since), m.Star != nil
	return found, err
}

// RegisteredAs reads the mailbox of an address.
func (s *Store) RegisteredAs(ctx context.Context, address string) (*workflow.Registered, error) {
	rows, err := s.pool.Query(ctx, registered+`
		where m.address = $1 and m.deleted_at is null`, address)
	if err != nil {
		return nil, fmt.Errorf("reading a mailbox on record: %w", err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, scanRegistered)
	if err != nil {
		return nil, fmt.Errorf("reading a mailbox on record: %w", found(err))
	}
	return &m, nil
}

// Registered lists mailboxes domain by domain, and in each as they came: so every
// query begins where its page does in the index, however many there are before.
func (s *Store) Registered(ctx context.Context, f workflow.RegisterFilter) ([]workflow.Registered, error) {
	from := "" // the domain of the page before
	if f.After != 0 {
		err := s.pool.QueryRow(ctx, `select domain from mailboxes where id = $1`, f.After).Scan(&from)
		if err != nil {
			return nil, fmt.Errorf("finding a place in the list of mailboxes: %w", found(err))
		}
	}
	var page []workflow.Registered
	for _, domain := range slices.Sorted(slices.Values(f.Domains)) {
		after := f.After
		switch {
		case domain < from || len(page) == f.Limit:
			continue
		case domain > from:
			after = 0
		}
		rows, err := s.pool.Query(ctx, registered+`
			where m.domain = $1 and m.id > $2 and m.deleted_at is null
			  and (cardinality($3::text[]) = 0 or m.status = any($3))
			  and (cardinality($4::text[]) = 0 or m.standing_state = any($4))
			order by m.domain, m.id limit $5`,
			domain, after, texts(f.Statuses), texts(f.States), f.Limit-len(page))
		if err != nil {
			return nil, fmt.Errorf("listing the mailboxes on record: %w", err)
		}
		if page, err = pgx.AppendRows(page, rows, scanRegistered); err != nil {
			return nil, fmt.Errorf("listing the mailboxes on record: %w", err)
		}
	}
	return page, nil
}

// Domains lists the domains of the mailboxes on record.
func (s *Store) Domains(ctx context.Context) ([]string, error) {
	// One look into the index for each, and not one for each mailbox.
	rows, err := s.pool.Query(ctx, `
		with recursive each as (
			(select domain from mailboxes order by domain limit 1)
			union all
			select (select m.domain from mailboxes m where m.domain > each.domain order by m.domain limit 1) from each where each.domain is not null)
		select domain from each where domain is not null`)
	if err != nil {
		return nil, fmt.Errorf("listing the domains: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func texts[T ~string](all []T) []string {
	plain := make([]string, len(all))
	for i, s := range all {
		plain[i] = string(s)
	}
	return plain
}
