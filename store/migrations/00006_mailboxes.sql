-- +goose Up

-- A mailbox that its provider deleted is kept for its evidence, and is nobody's.
-- Its standing is cancelled, so that who does not know of deletions lets nobody in.
alter table mailboxes
	add column deleted_at timestamptz,
	add column domain text not null generated always as (split_part(address, '@', 2)) stored,
	add constraint deleted_is_inert check (deleted_at is null or star is null and status = 'cancelled');
create index on mailboxes (domain, id);

-- +goose Down
alter table mailboxes drop column domain, drop column deleted_at;
