-- +goose Up

-- Clients of the API: webmails, which may ask for the mailboxes of their domains.
create table clients (
	id           bigint generated always as identity primary key,
	name         text not null unique,
	token        bytea not null unique, -- SHA-256
	domains      text[] not null,
	return_urls  text[] not null,
	created_at   timestamptz not null
);

create table mailboxes (
	id              bigint generated always as identity primary key,
	address         text not null unique check (address = lower(address)),
	status          text not null check (status in ('active', 'expired', 'cancelled', 'revoked')),
	record_id       uuid not null,
	ordinary        text, -- the ordinary email address that was set with the star
	wrong_codes     timestamptz[] not null default '{}', -- since the last right code or the last pause
	-- The star refers to the qualification that gave it, which must be in state qualified.
	star            uuid,
	star_state      text generated always as (case when star is not null then 'qualified' end) stored,
	unique (id, star)
);

-- The provider's data about the holder. A change adds a row, so that each decision
-- can refer to the record on which it was based.
create table records (
	id              uuid primary key,
	mailbox_id      bigint not null references mailboxes,
	kind            text not null check (kind in ('', 'person', 'company')),
	name            text not null,
	fiscal_code     text not null,
	vat_number      text not null,
	representatives jsonb not null,
	email           text not null,
	status          text not null check (status in ('active', 'expired', 'cancelled', 'revoked')),
	imported_by     text not null, -- the operator
	imported_at     timestamptz not null
);
create index on records (mailbox_id);
alter table mailboxes add foreign key (record_id) references records deferrable initially deferred;

create table qualifications (
	id             uuid primary key,
	number         bigint generated always as identity unique, -- the case number, for support
	mailbox_id     bigint not null references mailboxes,
	version        int not null,
	state          text not null constraint qualifications_state check (state in (
		'holder_choice', 'introduction', 'holder_invitation', 'invited', 'holder_kind', 'company_data',
		'contact_data', 'summary', 'identification', 'at_provider', 'identified', 'contract', 'code',
		'under_review', 'rejected', 'qualified', 'revoked', 'expired')),
	opened_at      timestamptz not null,
	stepped_at     timestamptz not null,
	owner          text not null check (owner in ('webmail', 'invited')),
	locale         text not null,
	declaration_id uuid,
	invitation_id  uuid,
	login_id       text,
	identity_id    uuid,
	document       text,
	reason         text not null check (reason in ('', 'company_differs', 'holder_differs', 'review_refused')),
	remark         text not null,
	-- A qualified qualification must be the star of its mailbox.
	star_of        bigint generated always as (case when state = 'qualified' then mailbox_id end) stored,
	unique (mailbox_id, id, state)
);
create unique index one_unfinished on qualifications (mailbox_id) where state not in ('qualified', 'revoked', 'expired');
create unique index one_qualified on qualifications (mailbox_id) where state = 'qualified';
create index on qualifications (stepped_at) where state not in ('qualified', 'revoked', 'expired', 'under_review');

-- Each star has one qualified qualification, and the reverse.
alter table mailboxes add constraint star_is_qualified foreign key (id, star, star_state)
	references qualifications (mailbox_id, id, state) deferrable initially deferred;
alter table qualifications add constraint qualified_is_star foreign key (star_of, id)
	references mailboxes (id, star) deferrable initially deferred;

-- The log. It has one row for each step, which never changes. It contains references,
-- digests and verdicts. The personal data they refer to are in the tables below.
create table steps (
	qualification_id uuid not null references qualifications,
	version          int not null,
	event            text not null,
	from_state       text,
	to_state         text not null,
	at               timestamptz not null,
	actor            text not null check (actor in ('webmail', 'holder', 'operator', 'system')),
	client           text not null, -- the webmail
	actor_name       text not null, -- the webmail's reference to its user, the invitation, or the operator
	address          inet,
	request          text not null,
	refs             jsonb not null,
	primary key (qualification_id, version),
	unique (qualification_id, version, to_state),
	check ((from_state is null) = (event = 'opened'))
);

-- Every state has a row in the log.
alter table qualifications add constraint state_is_logged foreign key (id, version, state)
	references steps (qualification_id, version, to_state) deferrable initially deferred;

-- +goose StatementBegin
create function refuse_change() returns trigger language plpgsql as $$
begin
	raise exception '% never changes: % refused', tg_table_name, lower(tg_op);
end $$;
-- +goose StatementEnd
create trigger append_only before update or delete or truncate on steps
	for each statement execute function refuse_change();

-- The data that the user entered. A correction adds a row.
create table declarations (
	id               uuid primary key,
	qualification_id uuid not null references qualifications,
	kind             text not null check (kind in ('', 'person', 'company')),
	company_name     text not null,
	company_code     text not null,
	email            text not null,
	phone            text not null,
	declared_at      timestamptz not null
);
create index on declarations (qualification_id);

create table invitations (
	id               uuid primary key,
	qualification_id uuid not null references qualifications,
	version          int not null, -- of the qualification that sent it
	nonce            bytea not null,
	digest           bytea not null unique, -- SHA-256 of the link's secret
	email            text not null,
	sent_at          timestamptz not null,
	expires_at       timestamptz not null,
	accepted_at      timestamptz,
	ended_at         timestamptz,
	ended            text not null,
	check ((ended_at is null) = (ended = ''))
);
create index on invitations (qualification_id);
create unique index one_live_invitation on invitations (qualification_id) where ended_at is null;

-- Requests to identity providers, and the responses until the browser fetches them.
create table logins (
	id               text primary key,
	qualification_id uuid not null references qualifications,
	provider         text not null,
	provider_name    text not null,
	relay_state      text not null,
	level            text not null,
	comparison       text not null,
	session          bytea not null, -- SHA-256
	started_at       timestamptz not null,
	answered_at      timestamptz,    -- set once for each request
	assertion_id     text,           -- each assertion counts once
	handle           bytea unique,   -- SHA-256 of the one-time cookie
	answer           jsonb,          -- null after it was used or deleted
	unique (provider, assertion_id)
);
create index on logins (qualification_id);
create index on logins (session) where answer is not null;

-- Every message exchanged with identity providers, complete, encrypted to the auditor.
create table messages (
	id        uuid primary key,
	login_id  text not null references logins,
	direction text not null check (direction in ('request', 'response')),
	sha256    text not null, -- of the message; the log refers to it
	sealed    bytea not null, -- encrypted with age
	at        timestamptz not null
);
create index on messages (login_id);
create index on messages (at);

create table identities (
	id               uuid primary key,
	qualification_id uuid not null references qualifications,
	login_id         text not null references logins,
	assertion_id     text not null,
	provider         text not null,
	provider_name    text not null,
	level            text not null,
	name             text not null,
	family_name      text not null,
	fiscal_number    text not null,
	date_of_birth    text not null,
	person_code      text not null,
	authenticated_at timestamptz not null,
	identified_at    timestamptz not null
);
create index on identities (qualification_id);

-- The exact text of the contract notices that users acknowledged.
create table documents (
	sha256  text primary key,
	version text not null,
	date    date not null,
	locale  text not null,
	body    bytea not null
);

create table decisions (
	id               uuid primary key,
	qualification_id uuid not null references qualifications,
	operator         text not null,
	event            text not null,
	reason           text not null,
	decided_at       timestamptz not null
);
create index on decisions (qualification_id);

-- Requested codes. The digits are computed from the nonce and are not stored.
create table codes (
	id               uuid primary key,
	qualification_id uuid not null references qualifications,
	nonce            bytea not null,
	requested_at     timestamptz not null,
	spent_at         timestamptz
);
create index on codes (qualification_id, requested_at);
create unique index one_live_code on codes (qualification_id) where spent_at is null;

create table mails (
	id               uuid primary key,
	qualification_id uuid not null references qualifications,
	kind             text not null,
	recipient        text not null,
	locale           text not null,
	code_id          uuid references codes,
	invitation_id    uuid references invitations,
	details          jsonb not null,
	requested_at     timestamptz not null,
	attempts         int not null default 0,
	started_at       timestamptz, -- of the first attempt that may have sent it
	accepted_at      timestamptz, -- by the relay
	refused_at       timestamptz, -- by the relay, permanently
	dropped_at       timestamptz, -- no longer useful, or retried for too long
	reply            text not null default '' -- the last reply of the relay
);
create index on mails (qualification_id);
create index on mails (code_id);
create index on mails (invitation_id);

alter table qualifications
	add foreign key (declaration_id) references declarations deferrable initially deferred,
	add foreign key (invitation_id) references invitations deferrable initially deferred,
	add foreign key (login_id) references logins deferrable initially deferred,
	add foreign key (identity_id) references identities deferrable initially deferred,
	add foreign key (document) references documents deferrable initially deferred;

-- Rows that the log refers to may be deleted but never changed.
-- +goose StatementBegin
do $$ declare name text; begin
	foreach name in array array['records', 'declarations', 'identities', 'decisions', 'documents', 'messages'] loop
		execute format('create trigger unchanging before update on %I for each statement execute function refuse_change()', name);
	end loop;
end $$;
-- +goose StatementEnd

create table handoffs (
	token      bytea primary key, -- SHA-256
	client_id  bigint not null references clients,
	mailbox_id bigint not null references mailboxes,
	return_url text not null,
	locale     text not null,
	user_ref   text not null, -- the webmail's reference to its user
	created_at timestamptz not null,
	expires_at timestamptz not null,
	used_at    timestamptz,
	session    bytea -- SHA-256; the session of the first use
);
create index on handoffs (expires_at);

create table sessions (
	digest     bytea primary key, -- SHA-256 of the cookie
	content    jsonb not null,
	expires_at timestamptz not null
);
create index on sessions (expires_at);

-- +goose Down
drop table sessions, handoffs, mails, codes, decisions, documents, identities, messages, logins, invitations,
	declarations, steps, qualifications, records, mailboxes, clients cascade;
drop function refuse_change;
