-- +goose Up

-- A session is kept for a day after its end. The row contains the reason, and the
-- values of a form that was submitted too late. Generated columns contain the fields
-- for searches, so that they are right whichever version of the program writes. There
-- is no foreign key to mailboxes: it would make a new session wait for a running step
-- of its mailbox.
alter table sessions
	add column opened_at timestamptz not null default now(),
	add column ended text not null default '' constraint sessions_ended check (ended in (
		'', 'idle', 'old', 'left', 'replaced', 'used_twice', 'client_disabled', 'operator')), -- empty: active until expires_at
	add column draft jsonb,
	add column mailbox_id bigint generated always as (((content ->> 'visitor')::jsonb ->> 'mailbox')::bigint) stored,
	add column client text not null generated always as (coalesce((content ->> 'visitor')::jsonb ->> 'client', '')) stored;
create index on sessions (mailbox_id);
create index on sessions (client);

-- +goose Down
alter table sessions drop column opened_at, drop column ended, drop column draft, drop column mailbox_id, drop column client;
