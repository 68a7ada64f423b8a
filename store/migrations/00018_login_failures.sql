-- +goose Up

-- Why a login failed, for a browser that reloads the page. Empty if the login has not
-- ended, and if it succeeded.
alter table logins add column failure text not null default '';

-- +goose Down
alter table logins drop column failure;
