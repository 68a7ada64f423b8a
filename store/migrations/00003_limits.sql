-- +goose Up

-- What is left of each limit, as one time: up to it everything is spent. Logged
-- like any other table: an unlogged one is empty after a crash, and on a standby.
create table limits (
	name    text not null,
	subject bytea not null, -- a keyed digest of the mailbox, address, network or client
	arrival timestamptz not null,
	primary key (name, subject)
) with (fillfactor = 70); -- no index but the key's, and room beside each row: an update touches one page

-- +goose Down
drop table limits;
