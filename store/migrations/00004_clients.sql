-- +goose Up

-- The scopes of a client, and its tokens: the newest one, and during a rotation the
-- previous one.
alter table clients
	add column scopes text[] not null default '{webmail}'
		check (cardinality(scopes) > 0 and scopes <@ array['webmail', 'registry', 'operator', 'auditor']),
	add column former_token bytea unique, -- SHA-256
	add column former_until timestamptz,
	add column disabled_at timestamptz,
	add check ((former_token is null) = (former_until is null));

-- API calls with an idempotency key, so that a repeated call has no effect.
create table calls (
	client_id bigint not null references clients,
	key       bytea not null, -- SHA-256 of the client's key
	request   bytea not null, -- SHA-256 of the request
	claimed_at timestamptz not null,
	answer    jsonb,          -- null until the call is done
	primary key (client_id, key)
);
create index on calls (claimed_at);

-- +goose Down
drop table calls;
alter table clients drop column scopes, drop column former_token, drop column former_until, drop column disabled_at;
