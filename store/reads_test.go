package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// manyRows creates 5,000 mailboxes, each with a case and its related rows. The oldest
// tenth is in a small domain. $now is replaced by the time.
const manyRows = `
	set session_replication_role = replica;
	insert into clients (name, token, domains, return_urls, created_at)
	values ('webmail', sha256('token'), '{small.example,large.example}', '{}', $now);
	insert into mailboxes (address, status, record_id)
	select 'mailbox' || n || case when n <= 500 then '@small.example' else '@large.example' end, 'active', gen_random_uuid()
	from generate_series(1, 5000) n;
	insert into records (id, mailbox_id, kind, name, fiscal_code, vat_number, representatives, email, status, imported_by, imported_at)
	select record_id, id, 'person', 'Anna Neri', '', '', '[]', '', 'active', 'tests', $now from mailboxes;
	insert into qualifications (id, mailbox_id, version, state, opened_at, stepped_at, owner, locale, domain, reason, remark)
	select gen_random_uuid(), id, 2, case when id % 500 = 7 then 'under_review' else 'invited' end, $now,
	       $now - case when id % 500 = 8 then interval '40 days' else '0' end, 'webmail', 'it', domain, '', ''
	from mailboxes order by id;
	update mailboxes m set current_id = q.id from qualifications q where q.mailbox_id = m.id;
	insert into steps (qualification_id, version, event, from_state, to_state, at, actor, client, actor_name, request, refs)
	select id, 2, 'holder_invited', 'holder_invitation', state, $now, 'webmail', '', '', '', '{}' from qualifications;
	insert into invitations (id, qualification_id, version, nonce, digest, email, sent_at, expires_at, ended_at, ended, domain)
	select gen_random_uuid(), id, 2, '', sha256(number::text::bytea), '', $now + number * interval '1 second', $now + interval '30 days',
	       case when number % 500 = 7 then $now end, case when number % 500 = 7 then 'withdrawn' else '' end, domain
	from qualifications;
	insert into codes (id, qualification_id, nonce, requested_at) select gen_random_uuid(), id, '', $now from qualifications;
	insert into mails (id, qualification_id, invitation_id, kind, recipient, locale, details, requested_at)
	select gen_random_uuid(), qualification_id, id, 'invitation', '', 'it', '{}', $now from invitations;
	insert into logins (id, qualification_id, provider, provider_name, relay_state, level, comparison, session, started_at)
	select 'login' || number, id, '', '', '', '', '', sha256(number::text::bytea), $now from qualifications;
	insert into announcements (id, position, kind, mailbox_id, qualification_id, version, active, at)
	select gen_random_uuid(), number, 'qualification.invited', mailbox_id, id, 2, true, $now from qualifications order by number;
	insert into webhooks (client_id, url, kinds, nonce, created_at) select id, 'https://webmail.example/', '{}', '', $now from clients;
	insert into deliveries (webhook_id, announcement_id, mailbox_id, asked_at, due_at, delivered_at)
	select 1, id, mailbox_id, $now, $now - made * interval '1 second', case when made <= 4900 then $now end
	from announcements order by made;
	reset session_replication_role;
	analyze`

// Frequent queries read few more rows than they return, for any number of mailboxes,
// because they use the right index.
func TestQueriesReadFewRows(t *testing.T) {
	t.Parallel()
	ctx, now, url := t.Context(), storetest.NewClock().Now(), storetest.URL(t)+"&pool_max_conns=1"
	open := func() *store.Store {
		s, err := store.Open(ctx, url, nil)
		storetest.Must(t, err)
		return s
	}
	admin := open()
	defer admin.Close()
	_, err := storetest.Owner(t, admin).Exec(ctx, strings.ReplaceAll(manyRows, "$now", now.Format("timestamptz '2006-01-02 15:04:05Z'")))
	storetest.Must(t, err)

	small, both := []string{"small.example"}, []string{"large.example", "small.example"}
	const address = "mailbox2507@large.example"
	mailbox, err := admin.MailboxByAddress(ctx, address)
	storetest.Must(t, err)
	var addresses []string
	for n := 1000; n < 3000; n += 100 {
		addresses = append(addresses, fmt.Sprintf("mailbox%d@large.example", n))
	}
	imported := 1000
	cases := func(f qualification.QualificationFilter) func(*store.Store) (int, error) {
		f.Limit = 10
		return func(s *store.Store) (int, error) { return count(s.Qualifications(ctx, f)) }
	}
	invitations := func(f qualification.InvitationFilter) func(*store.Store) (int, error) {
		f.Limit, f.Now = 10, now
		return func(s *store.Store) (int, error) { return count(s.SentInvitations(ctx, f)) }
	}
	events := func(domains []string, after int64) func(*store.Store) (int, error) {
		return func(s *store.Store) (int, error) {
			all, _, err := s.Feed(ctx, domains, nil, after, 10)
			return len(all), err
		}
	}
	for _, query := range []struct {
		name           string
		results, limit int // the number of results, and of rows that may be read
		run            func(*store.Store) (results int, err error)
	}{
		{"a status", 1, 5, func(s *store.Store) (int, error) {
			asked, err := s.AskedBy(ctx, workflow.Digest("token"), address, now)
			return oneIfFound(asked.Summary), err
		}},
		{"twenty statuses", 20, 70, func(s *store.Store) (int, error) {
			all, err := s.SummariesOf(ctx, addresses)
			return len(all), err
		}},
		{"a mailbox on record", 1, 10, func(s *store.Store) (int, error) {
			m, err := s.RegisteredMailbox(ctx, address)
			return oneIfFound(m), err
		}},
		{"a domain of certified mail", 1, 5, func(s *store.Store) (int, error) {
			is, err := s.IsCertified(ctx, "small.example")
			return map[bool]int{true: 1}[is], err
		}},
		{"a domain of ordinary mail", 0, 5, func(s *store.Store) (int, error) {
			is, err := s.IsCertified(ctx, "mail.example")
			return map[bool]int{true: 1}[is], err
		}},
		{"the last mailboxes of a domain", 5, 30, func(s *store.Store) (int, error) {
			return count(s.RegisteredMailboxes(ctx, workflow.RegisterFilter{Domains: small, After: 495, Limit: 10}))
		}},
		{"the mailboxes by address", 10, 40, func(s *store.Store) (int, error) {
			return count(s.Mailboxes(ctx, store.MailboxFilter{After: address, Limit: 10}))
		}},
		{"a case", 1, 60, func(s *store.Store) (int, error) {
			c, err := s.View(ctx, mailbox)
			return oneIfFound(c), err
		}},
		{"a history", 1, 80, func(s *store.Store) (int, error) {
			h, err := s.History(ctx, mailbox, 0)
			return oneIfFound(h), err
		}},
		{"a step", 1, 80, func(s *store.Store) (int, error) {
			return 1, s.Update(ctx, mailbox, func(c *qualification.Case) error {
				c.Added = append(c.Added, workflow.Decision{ID: uuid.New(), Qualification: c.Qualification.ID})
				return nil
			})
		}},
		{"an import", 200, 2000, func(s *store.Store) (int, error) {
			// Other mailboxes each time. Old versions of a changed row count as
			// read, as long as any transaction of the server may need them.
			var all []workflow.Registration
			for n := imported; n < imported+200; n++ {
				r := workflow.Record{ID: uuid.New(), Kind: workflow.KindPerson, Name: "Anna Neri", Status: workflow.Active, ImportedAt: now}
				if n%2 == 0 {
					r.Name = r.ID.String() // a changed record
				}
				all = append(all, workflow.Registration{Address: fmt.Sprintf("mailbox%d@large.example", n), Record: r})
			}
			imported += len(all)
			return count(s.ImportMailboxes(ctx, all, false))
		}},
		{"the cases of a domain", 10, 50, cases(qualification.QualificationFilter{Domains: small})},
		{"the cases of a domain in a state", 1, 20, cases(qualification.QualificationFilter{Domains: small, State: qualification.UnderReview})},
		{"the cases of a mailbox", 1, 20, cases(qualification.QualificationFilter{Domains: both, Mailbox: address})},
		{"the invitations of a domain", 10, 60, invitations(qualification.InvitationFilter{Domains: small})},
		{"the invitations withdrawn", 1, 20, invitations(qualification.InvitationFilter{Domains: small, State: "withdrawn"})},
		{"the invitations of a mailbox", 1, 20, invitations(qualification.InvitationFilter{Domains: both, Mailbox: address})},
		{"the newest events", 5, 50, events(both, 4995)},
		{"the first events", 10, 100, events(small, 0)},
		{"stale qualifications", 10, 30, func(s *store.Store) (int, error) {
			return count(s.Stale(ctx, now.Add(-qualification.UnfinishedLife)))
		}},
		{"the next delivery", 1, 50, func(s *store.Store) (int, error) {
			_, d, err := s.ClaimDelivery(ctx, 1, now, now, 4)
			return int(d.Webhook), err
		}},
	} {
		before := rowsRead(t, admin)
		s := open()
		const times = 8 // often enough for the server to use a generic plan
		for range times {
			if results, err := query.run(s); err != nil || results != query.results {
				t.Errorf("%s: %d results, want %d (%v)", query.name, results, query.results, err)
			}
		}
		s.Close()
		rows := (rowsRead(t, admin) - before) / times
		if rows > query.limit {
			t.Errorf("%s: %d rows are read, want at most %d", query.name, rows, query.limit)
		}
	}
}

// rowsRead returns how many table rows and index entries the connections that have
// ended have read.
func rowsRead(t *testing.T, admin *store.Store) (n int) {
	t.Helper()
	// A connection reports its statistics when it ends.
	storetest.Eventually(t, "the other connections have ended", func() (ended bool) {
		storetest.Must(t, admin.Pool().QueryRow(t.Context(), `
			select not exists (
				select from pg_stat_activity
				where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid())`).Scan(&ended))
		return ended
	})
	storetest.Must(t, admin.Pool().QueryRow(t.Context(), `
		select (select sum(seq_tup_read) from pg_stat_user_tables) + (select sum(idx_tup_read) from pg_stat_user_indexes)`).Scan(&n))
	return n
}

func count[T any](all []T, err error) (int, error) { return len(all), err }

func oneIfFound[T any](one *T) int {
	if one == nil {
		return 0
	}
	return 1
}
