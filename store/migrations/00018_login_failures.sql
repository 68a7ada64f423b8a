-- +goose Up

-- Why a login identified nobody, for a browser that loads the page again. Empty
-- while that is not known, and for a login that succeeded.
alter table logins add column failure text not null default '';

-- +goose Down
alter table logins drop column failure;
