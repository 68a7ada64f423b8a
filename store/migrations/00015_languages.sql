-- +goose Up

-- The language of the invited holder's mails. That of the mailbox's users is in
-- locale. Empty until an invited holder has seen a page.
alter table qualifications add column invited_locale text not null default '';

-- +goose Down
alter table qualifications drop column invited_locale;
