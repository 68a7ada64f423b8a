package floor

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Schema creates the tables of the floor.
const Schema = `
	create table steps (
		id bigint generated always as identity primary key,
		visit bigint, position int not null, at timestamptz not null default now());
	create table mails (
		id bigint generated always as identity primary key,
		visit bigint not null, recipient text not null, code text not null, outcome text not null default '',
		at timestamptz not null default now());
	create index on mails (visit);
	create table mailboxes (
		address text primary key, state text not null default 'none', since timestamptz, level text not null default '')`

// rows is the database of the floor.
type rows struct{ *pgxpool.Pool }

// begin stores a hand-off and returns the number of the visit.
func (r rows) begin(ctx context.Context) (visit int64, err error) {
	err = r.QueryRow(ctx, `insert into steps (position) values (0) returning id`).Scan(&visit)
	return visit, err
}

// An outgoing mail is to be sent after its step is stored.
type outgoing struct {
	id       int64
	to, code string
	message  []byte
}

// step stores a step and the mails that it requests in one transaction.
func (r rows) step(ctx context.Context, visit int64, position int, mails []outgoing) error {
	if len(mails) == 0 {
		_, err := r.Exec(ctx, `insert into steps (visit, position) values ($1, $2)`, visit, position)
		return err
	}
	b := &pgx.Batch{} // one implicit transaction
	b.Queue(`insert into steps (visit, position) values ($1, $2)`, visit, position)
	for i := range mails {
		b.Queue(`insert into mails (visit, recipient, code) values ($1, $2, $3) returning id`, visit, mails[i].to, mails[i].code).
			QueryRow(func(row pgx.Row) error { return row.Scan(&mails[i].id) })
	}
	return r.SendBatch(ctx, b).Close()
}

func (r rows) mailDone(ctx context.Context, id int64, outcome string) error {
	_, err := r.Exec(ctx, `update mails set outcome = $2 where id = $1`, id, outcome)
	return err
}

// isCode reports whether a code was sent to a visit.
func (r rows) isCode(ctx context.Context, visit int64, code string) (is bool, err error) {
	err = r.QueryRow(ctx, `select exists (select from mails where visit = $1 and code = $2 and at > now() - interval '1 minute')`,
		visit, code).Scan(&is)
	return is, err
}

// A status is the answer to the webmail's call.
type status struct {
	Address string     `json:"address"`
	State   string     `json:"state"`
	Since   *time.Time `json:"since"`
	Level   string     `json:"level"`
	Show    string     `json:"show"`
}

func (r rows) status(ctx context.Context, address string) (s status, err error) {
	s = status{Address: address, Show: "banner"}
	err = r.QueryRow(ctx, `select state, since, level from mailboxes where address = $1`, address).Scan(&s.State, &s.Since, &s.Level)
	return s, err
}

// ImportTable creates the table into which psql copies a file of mailboxes. It has every
// check and index of the mailboxes and records in Stella, without foreign keys.
const ImportTable = `
	create sequence record_ids;
	create table mailbox_rows (
		id bigint generated always as identity primary key,
		address text not null unique check (address = lower(address)),
		kind text not null check (kind in ('', 'person', 'company')),
		name text not null, fiscal_code text not null, representatives text not null, email text not null,
		status text not null check (status in ('active', 'expired', 'cancelled', 'revoked')),
		domain text not null generated always as (split_part(address, '@', 2)) stored,
		star uuid, unique (id, star),
		record_id uuid not null unique default lpad(to_hex(nextval('record_ids')), 32, '0')::uuid);
	create index on mailbox_rows (domain, id);
	create index on mailbox_rows ((id + 0)); -- like the index of records`
