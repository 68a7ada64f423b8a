-- +goose Up

-- A mailbox that its provider deleted is kept as evidence, and has no holder. Its
-- status is cancelled, so that a version without this column refuses every user.
alter table mailboxes
	add column deleted_at timestamptz,
	add column domain text not null generated always as (split_part(address, '@', 2)) stored,
	add constraint deleted_is_inert check (deleted_at is null or star is null and status = 'cancelled');
create index on mailboxes (domain, id);

-- +goose Down
alter table mailboxes drop column domain, drop column deleted_at;
