-- +goose Up

-- The state of each rate limit as one time, the theoretical arrival time of GCRA. The
-- table is not unlogged, because an unlogged table is empty after a crash and on a
-- standby.
create table limits (
	name    text not null,
	subject bytea not null, -- a keyed digest of the mailbox, address, network or client
	arrival timestamptz not null,
	primary key (name, subject)
) with (fillfactor = 70); -- free space, and no index except the key: an update changes one page

-- +goose Down
drop table limits;
