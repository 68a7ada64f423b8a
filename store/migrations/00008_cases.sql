-- +goose Up

-- A copy of the mailbox's domain. Without it, the list of one domain would read the
-- rows of all domains.
alter table qualifications add column domain text not null default '';
alter table invitations add column domain text not null default '';

-- +goose StatementBegin
create function take_domain_of_mailbox() returns trigger language plpgsql as $$
begin
	new.domain := coalesce((select domain from mailboxes where id = new.mailbox_id), '');
	return new;
end $$;
create function take_domain_of_qualification() returns trigger language plpgsql as $$
begin
	new.domain := coalesce((select domain from qualifications where id = new.qualification_id), '');
	return new;
end $$;
-- +goose StatementEnd
create trigger domain before insert on qualifications for each row execute function take_domain_of_mailbox();
create trigger domain before insert on invitations for each row execute function take_domain_of_qualification();

update qualifications q set domain = m.domain from mailboxes m where m.id = q.mailbox_id;
update invitations i set domain = q.domain from qualifications q where q.id = i.qualification_id;

-- For lists with the newest first. Cases are sorted by the negative number, so that the
-- planner cannot choose the index of all numbers, whose cost it underestimates.
create index on qualifications (domain, (-number));
create index on qualifications (domain, state, (-number));
create index on invitations (domain, sent_at, id);
create index on invitations (domain, ended, sent_at, id);

-- +goose Down
drop trigger domain on invitations;
drop trigger domain on qualifications;
drop function take_domain_of_qualification, take_domain_of_mailbox;
alter table invitations drop column domain;
alter table qualifications drop column domain;
