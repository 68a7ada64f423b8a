-- +goose Up

-- The mails that are still to be sent. The row of a mail is deleted when the mail has a
-- result. So this table stays small, its dead rows are soon vacuumed, and the only update
-- that a sent mail causes in the table mails changes no index (HOT). A claim changes no
-- index of this table either.
create table mail_queue (
	mail_id       uuid primary key references mails,
	queue         text not null,
	queued_at     timestamptz not null, -- by the step, or by an operator who retries the mail
	due_at        timestamptz not null, -- when it can be attempted
	claimed_at    timestamptz,          -- when the running attempt began
	claimed_until timestamptz           -- after that time the attempt is over, also if its process crashed
) with (fillfactor = 50);
create index on mail_queue (queue, due_at);

-- The jobs of River become rows of the queue. In an empty database, River has no table yet.
-- +goose StatementBegin
do $$ begin
	if to_regclass('river_job') is null then
		return;
	end if;
	insert into mail_queue (mail_id, queue, queued_at, due_at)
	select m.id, case when m.kind = 'code' then 'codes' when m.recipient = b.address then 'pec' else 'mails' end,
	       coalesce(j.created_at, m.requested_at), coalesce(j.scheduled_at, m.requested_at)
	from mails m
	join qualifications q on q.id = m.qualification_id
	join mailboxes b on b.id = q.mailbox_id
	left join (select distinct on (args ->> 'mail') args ->> 'mail' as mail, created_at, scheduled_at
		from river_job where kind = 'send_mail' order by args ->> 'mail', id desc) j on j.mail = m.id::text
	where coalesce(m.accepted_at, m.refused_at, m.dropped_at) is null;
	delete from river_job where kind = 'send_mail';
end $$;
-- +goose StatementEnd

-- Most mails have neither a code nor an invitation.
drop index mails_code_id_idx, mails_invitation_id_idx;
create index on mails (code_id) where code_id is not null;
create index on mails (invitation_id) where invitation_id is not null;

-- +goose Down
drop index mails_code_id_idx, mails_invitation_id_idx;
create index on mails (code_id);
create index on mails (invitation_id);
-- +goose StatementBegin
do $$ begin
	if to_regclass('river_job') is not null then
		insert into river_job (kind, max_attempts, state, args, queue, created_at, scheduled_at)
		select 'send_mail', 1000, 'available', jsonb_build_object('mail', mail_id), queue, queued_at, due_at from mail_queue;
	end if;
end $$;
-- +goose StatementEnd
drop table mail_queue;
