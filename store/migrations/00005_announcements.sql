-- +goose Up

-- Events about mailboxes, for clients. A step adds a row if it changes what the
-- webmail shows or says about the mailbox.
create table announcements (
	id               uuid primary key,
	made             bigint generated always as identity, -- in order within a mailbox, because its steps wait for each other
	position         bigint unique, -- in the feed; a reader assigns it after the commit
	kind             text not null constraint announcements_kind check (kind in (
		'qualification.started', 'qualification.invited', 'qualification.under_review', 'qualification.completed',
		'qualification.rejected', 'qualification.revoked', 'qualification.expired')),
	mailbox_id       bigint not null references mailboxes,
	qualification_id uuid not null,
	version          int not null,
	active           boolean not null, -- whether the mailbox was active at that time
	at               timestamptz not null,
	constraint announced_once unique (qualification_id, version),
	constraint announcement_is_logged foreign key (qualification_id, version) references steps
);
create index announcements_unnumbered on announcements (made) where position is null;

-- +goose StatementBegin
create function refuse_all_but_position() returns trigger language plpgsql as $$
declare numbered announcements := old; begin
	numbered.position := new.position;
	if old.position is not null or new is distinct from numbered then
		raise exception '% never changes: update refused', tg_table_name;
	end if;
	return new;
end $$;
-- +goose StatementEnd
create trigger unchanging before update on announcements for each row execute function refuse_all_but_position();
create trigger append_only before delete or truncate on announcements for each statement execute function refuse_change();

-- URLs to which events are sent. The secret is computed from the nonce.
create table webhooks (
	id            bigint generated always as identity primary key,
	client_id     bigint not null references clients,
	url           text not null,
	kinds         text[] not null, -- empty for all kinds
	nonce         bytea not null,
	former_nonce  bytea,
	former_until  timestamptz, -- until then, the previous secret signs as well
	created_at    timestamptz not null,
	disabled_at   timestamptz,
	disabled      text not null default '' check (disabled in ('', 'operator', 'gone', 'failing')),
	failing_since timestamptz, -- the first failure since the last success
	failures      int not null default 0, -- since the last success
	retry_at      timestamptz, -- nothing is sent before this time
	unique (client_id, url),
	check ((former_nonce is null) = (former_until is null)),
	check ((disabled_at is null) = (disabled = '')),
	check ((failing_since is null) = (failures = 0))
);

create table deliveries (
	id              bigint generated always as identity primary key, -- in order within a mailbox
	webhook_id      bigint not null references webhooks,
	announcement_id uuid not null references announcements,
	mailbox_id      bigint not null references mailboxes,
	asked_at        timestamptz not null, -- when the step, or later an operator, requested it
	due_at          timestamptz not null, -- the next attempt
	claimed_until   timestamptz,          -- by the attempt that is running
	attempts        int not null default 0,
	delivered_at    timestamptz,
	dropped_at      timestamptz, -- when it was given up
	outcome         text not null default '', -- of the last attempt
	open            boolean generated always as (delivered_at is null and dropped_at is null) stored,
	unique (webhook_id, announcement_id),
	constraint delivered_or_dropped check (delivered_at is null or dropped_at is null)
);
create index deliveries_due on deliveries (webhook_id, due_at) where open;
create index deliveries_order on deliveries (webhook_id, mailbox_id, id) where open;
create index on deliveries (webhook_id, id);
create index deliveries_claimed on deliveries (webhook_id, claimed_until) where claimed_until is not null;

-- +goose Down
drop table deliveries, webhooks, announcements;
drop function refuse_all_but_position;
