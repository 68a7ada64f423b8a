-- +goose Up

-- A trial is a test login, which belongs to no mailbox.
alter table logins
	alter column qualification_id drop not null,
	add column trial boolean not null default false,
	add constraint trial_or_real check (trial = (qualification_id is null)),
	add constraint trial_is_not_kept check (not trial or answer is null),
	add unique (qualification_id, id);
drop index logins_qualification_id_idx;

-- A test login, or a login for another mailbox, cannot identify a holder.
alter table qualifications add constraint login_is_its_own foreign key (id, login_id)
	references logins (qualification_id, id) deferrable initially deferred;
alter table identities add constraint login_is_its_own foreign key (qualification_id, login_id)
	references logins (qualification_id, id);

-- The company of a professional identity, from the identity provider.
alter table identities
	add column company_name          text not null default '',
	add column company_fiscal_number text not null default '',
	add column company_vat_number    text not null default '';

-- Suspensions and resumptions of identity providers. The newest row of a provider
-- counts. Rows never change.
create table suspensions (
	id         bigint generated always as identity primary key,
	provider   text not null,
	since      timestamptz, -- its identities are not accepted from this time; null for a resumption
	reason     text not null,
	operator   text not null,
	decided_at timestamptz not null,
	check (since <= decided_at)
);
create trigger append_only before update or delete or truncate on suspensions
	for each statement execute function refuse_change();

-- The last valid list of identity providers, byte for byte as it was signed.
create table aggregate (
	singleton  boolean primary key default true check (singleton),
	raw        bytea not null,
	fetched_at timestamptz not null
);

-- +goose Down
drop table aggregate, suspensions;
alter table identities drop constraint login_is_its_own,
	drop column company_name, drop column company_fiscal_number, drop column company_vat_number;
alter table qualifications drop constraint login_is_its_own;
delete from messages where login_id in (select id from logins where trial);
delete from logins where trial;
set constraints all immediate;
create index on logins (qualification_id);
alter table logins drop constraint logins_qualification_id_id_key,
	drop constraint trial_is_not_kept, drop constraint trial_or_real, drop column trial,
	alter column qualification_id set not null;
