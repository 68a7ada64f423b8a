-- +goose Up

-- The language of mails to the invited holder. The column locale contains that of the
-- mailbox's user. Empty until an invited holder has opened a page.
alter table qualifications add column invited_locale text not null default '';

-- +goose Down
alter table qualifications drop column invited_locale;
