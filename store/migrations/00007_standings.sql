-- +goose Up

-- A copy of the state of the current qualification, because webmails ask for it at
-- every login. A trigger maintains it, so that it is right whichever version of the
-- program writes.
alter table mailboxes
	add column standing_state text not null default '', -- empty if there is no qualification
	add column standing_since timestamptz,
	add column standing_level text not null default '', -- of the identity
	add check ((standing_state = '') = (standing_since is null));

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
-- Deferred to the commit, because a step may write the identity after the qualification.
create constraint trigger keep_standing after insert or update of state, stepped_at, identity_id on qualifications
	deferrable initially deferred for each row execute function keep_standing();

-- One statement for existing rows. It takes a seventh of the time of the trigger.
update mailboxes m
set standing_state = q.state, standing_since = q.stepped_at, standing_level = coalesce(i.level, '')
from (select distinct on (mailbox_id) mailbox_id, state, stepped_at, identity_id from qualifications
	order by mailbox_id, (state not in ('qualified', 'revoked', 'expired')) desc, (state = 'qualified') desc, number desc) q
left join identities i on i.id = q.identity_id
where m.id = q.mailbox_id;

-- +goose Down
drop trigger keep_standing on qualifications;
drop function keep_standing;
alter table mailboxes drop column standing_state, drop column standing_since, drop column standing_level;
