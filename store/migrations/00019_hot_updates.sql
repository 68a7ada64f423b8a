-- +goose Up

-- A step changes the state and the time of its qualification. If no indexed column
-- changes, PostgreSQL writes the new row version into the same page and no index (HOT).
-- So indexes use generated columns, whose values change a few times only. The fillfactor
-- leaves space for the new versions.
alter table mailboxes drop constraint star_is_qualified;
alter table qualifications
	add column unfinished_of bigint generated always as (
		case when state not in ('qualified', 'revoked', 'expired') then mailbox_id end) stored,
	-- The day of the last step, if the qualification expires.
	add column stale_since date generated always as (
		case when state not in ('qualified', 'revoked', 'expired', 'under_review') then (stepped_at at time zone 'UTC')::date end) stored,
	-- States in which a qualification stays are listed by themselves, the others together.
	add column listed_state text not null generated always as (
		case when state in ('invited', 'under_review', 'rejected', 'qualified', 'revoked', 'expired') then state else 'in_progress' end) stored,
	drop constraint qualifications_mailbox_id_id_state_key,
	add unique (star_of, id),
	set (fillfactor = 80);
drop index one_unfinished, one_qualified, qualifications_stepped_at_idx, qualifications_domain_state_expr_idx;
create unique index one_unfinished on qualifications (unfinished_of) where unfinished_of is not null;
create unique index one_qualified on qualifications (star_of) where star_of is not null;
create index on qualifications (mailbox_id);
create index on qualifications (stale_since) where stale_since is not null;
create index on qualifications (domain, listed_state, (-number));

-- The current qualification of a mailbox: the unfinished one, otherwise the qualified one,
-- otherwise the newest. It replaces a copy of the state, which each step had to write.
drop trigger keep_standing on qualifications;
drop function keep_standing;
alter table mailboxes
	drop column star_state, -- the state follows from star_of
	drop column standing_state, drop column standing_since, drop column standing_level,
	add column current_id uuid references qualifications,
	add constraint star_is_qualified foreign key (id, star) references qualifications (star_of, id) deferrable initially deferred,
	set (fillfactor = 90);

-- +goose StatementBegin
create function keep_current() returns trigger language plpgsql as $$ begin
	if new.unfinished_of is not null then
		update mailboxes set current_id = new.id where id = new.mailbox_id;
	else
		update mailboxes set current_id = (
			select id from qualifications where mailbox_id = new.mailbox_id
			order by (unfinished_of is not null) desc, (star_of is not null) desc, number desc limit 1)
		where id = new.mailbox_id;
	end if;
	return null;
end $$;
-- +goose StatementEnd
create trigger opened after insert on qualifications for each row execute function keep_current();
-- A qualification that becomes qualified was the unfinished one, and stays the current one.
create trigger ended after update of state on qualifications for each row
	when (new.unfinished_of is null and new.star_of is null and (old.unfinished_of is not null or old.star_of is not null))
	execute function keep_current();

update mailboxes m set current_id = q.id
from (select distinct on (mailbox_id) mailbox_id, id from qualifications
	order by mailbox_id, (unfinished_of is not null) desc, (star_of is not null) desc, number desc) q
where m.id = q.mailbox_id;

-- login_is_its_own implies these foreign keys. Sessions of a client are searched rarely.
alter table identities drop constraint identities_login_id_fkey, drop constraint identities_qualification_id_fkey;
alter table qualifications drop constraint qualifications_login_id_fkey;
drop index sessions_client_idx;

alter table mails set (fillfactor = 70);
alter table handoffs set (fillfactor = 80);

-- +goose Down
alter table identities add foreign key (login_id) references logins, add foreign key (qualification_id) references qualifications;
alter table qualifications add foreign key (login_id) references logins deferrable initially deferred;
create index on sessions (client);
drop trigger opened on qualifications;
drop trigger ended on qualifications;
drop function keep_current;
alter table mailboxes drop constraint star_is_qualified, drop column current_id, reset (fillfactor),
	add column star_state text generated always as (case when star is not null then 'qualified' end) stored,
	add column standing_state text not null default '',
	add column standing_since timestamptz,
	add column standing_level text not null default '',
	add check ((standing_state = '') = (standing_since is null));
drop index one_unfinished, one_qualified, qualifications_mailbox_id_idx, qualifications_stale_since_idx,
	qualifications_domain_listed_state_expr_idx;
alter table qualifications drop constraint qualifications_star_of_id_key, reset (fillfactor),
	drop column unfinished_of, drop column stale_since, drop column listed_state,
	add unique (mailbox_id, id, state);
create unique index one_unfinished on qualifications (mailbox_id) where state not in ('qualified', 'revoked', 'expired');
create unique index one_qualified on qualifications (mailbox_id) where state = 'qualified';
create index on qualifications (stepped_at) where state not in ('qualified', 'revoked', 'expired', 'under_review');
create index on qualifications (domain, state, (-number));
alter table mailboxes add constraint star_is_qualified foreign key (id, star, star_state)
	references qualifications (mailbox_id, id, state) deferrable initially deferred;
alter table mails reset (fillfactor);
alter table handoffs reset (fillfactor);

-- +goose StatementBegin
create function keep_standing() returns trigger language plpgsql as $$
begin
	update mailboxes m
	set standing_state = q.state, standing_since = q.stepped_at, standing_level = coalesce(i.level, '')
	from (select q.state, q.stepped_at, q.identity_id from qualifications q where q.mailbox_id = new.mailbox_id
		order by (q.state not in ('qualified', 'revoked', 'expired')) desc, (q.state = 'qualified') desc, q.number desc limit 1) q
	left join identities i on i.id = q.identity_id
	where m.id = new.mailbox_id;
	return null;
end $$;
-- +goose StatementEnd
create constraint trigger keep_standing after insert or update of state, stepped_at, identity_id on qualifications
	deferrable initially deferred for each row execute function keep_standing();
update mailboxes m
set standing_state = q.state, standing_since = q.stepped_at, standing_level = coalesce(i.level, '')
from (select distinct on (mailbox_id) mailbox_id, state, stepped_at, identity_id from qualifications
	order by mailbox_id, (state not in ('qualified', 'revoked', 'expired')) desc, (state = 'qualified') desc, number desc) q
left join identities i on i.id = q.identity_id
where m.id = q.mailbox_id;
