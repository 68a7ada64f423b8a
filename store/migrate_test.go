package store_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestConcurrentMigrations(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyURL(t)
	open := func() *store.Store {
		s, err := store.Open(t.Context(), url, nil)
		storetest.Must(t, err)
		t.Cleanup(s.Close)
		return s
	}
	first := open()
	if err := first.CheckSchema(t.Context()); !errors.Is(err, store.ErrPending) {
		t.Errorf("an empty database: %v, want %v", err, store.ErrPending)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var applied []int
	for _, s := range []*store.Store{first, open(), open()} {
		all.Go(func() {
			n, err := s.Migrate(t.Context())
			if err != nil {
				t.Errorf("a concurrent Migrate: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			applied = append(applied, n)
		})
	}
	all.Wait()
	slices.Sort(applied)
	if len(applied) != 3 || applied[0] != 0 || applied[1] != 0 || applied[2] < 2 {
		t.Errorf("the concurrent calls applied %v migrations; want one call to apply all", applied)
	}
	if err := first.CheckSchema(t.Context()); err != nil {
		t.Errorf("after the migrations: %v", err)
	}
	// The schema is also pending if only the queue's tables are older than the program.
	_, err := first.Pool().Exec(t.Context(), `delete from river_migration where version = (select max(version) from river_migration)`)
	storetest.Must(t, err)
	if err := first.CheckSchema(t.Context()); !errors.Is(err, store.ErrPending) {
		t.Errorf("with an old queue: %v", err)
	}
}

// Rows without the columns that were added later are accepted. A released version writes
// such rows to the schema of the next one, during a rolling upgrade.
func TestPreviousVersionCanWrite(t *testing.T) {
	w := newWorld(t)
	q := w.RecordInState(t, qualification.Identified).Case().Qualification
	for _, sql := range []string{
		`insert into logins (id, qualification_id, provider, provider_name, relay_state, level, comparison, session, started_at)
		 select '_new', qualification_id, provider, provider_name, relay_state, level, comparison, session, started_at from logins where id = $1`,
		`insert into identities (id, qualification_id, login_id, assertion_id, provider, provider_name, level, name,
		                         family_name, fiscal_number, date_of_birth, person_code, authenticated_at, identified_at)
		 select gen_random_uuid(), qualification_id, '_new', 'another', provider, provider_name, level, name,
		        family_name, fiscal_number, date_of_birth, person_code, authenticated_at, identified_at from identities where login_id = $1`,
		`insert into sessions (digest, content, expires_at)
		 select sha256('secret'), jsonb_build_object('visitor', '{"mailbox":1,"client":"webmail"}'), now() from logins where id = $1
		 on conflict (digest) do update set content = excluded.content, expires_at = now()`,
	} {
		if done, err := w.Pool().Exec(t.Context(), sql, q.Login.ID); err != nil || done.RowsAffected() != 1 {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// An older version starts on a newer schema. So a rollback does not change the schema,
// and a process of the old version can restart during an upgrade.
func TestNewerSchemaIsAccepted(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), storetest.URL(t), nil)
	storetest.Must(t, err)
	defer s.Close()
	_, err = storetest.Owner(t, s).Exec(t.Context(), `insert into goose_db_version (version_id, is_applied) values (99999, true)`)
	storetest.Must(t, err)
	storetest.Must(t, s.CheckSchema(t.Context()))
}

// Migrations fill new columns of existing rows: the domain of cases and invitations,
// and the current case of mailboxes.
func TestMigrationsFillExistingRows(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), storetest.URL(t), storetest.Auditor.Recipient())
	storetest.Must(t, err)
	defer s.Close()
	w := storetest.WorldIn(t, s)
	for _, state := range []qualification.State{qualification.Qualified, qualification.Invited, qualification.Rejected} {
		w.RecordInState(t, state)
	}
	w.Record(t, storetest.AnnasRecord) // without a case
	again := w.RecordInState(t, qualification.Revoked)
	again.Enter("another browser") // opens another case

	listed := func() string {
		t.Helper()
		domains := []string{storetest.Domain}
		cases, err := w.Qualifications(t.Context(), qualification.QualificationFilter{Domains: domains, Limit: 10})
		storetest.Must(t, err)
		sent, err := w.SentInvitations(t.Context(), qualification.InvitationFilter{Domains: domains, Limit: 10})
		storetest.Must(t, err)
		on, err := w.RegisteredMailboxes(t.Context(), workflow.RegisterFilter{Domains: domains, Limit: 10})
		storetest.Must(t, err)
		if len(cases) != 5 || len(sent) != 1 || len(on) != 5 {
			t.Errorf("%d cases, %d invitations and %d mailboxes are listed; want 5, 1 and 5", len(cases), len(sent), len(on))
		}
		var all strings.Builder
		for _, m := range on {
			fmt.Fprintf(&all, "%+v\n", m.Summary)
		}
		return all.String()
	}
	before := listed()
	files := []string{"00007_standings.sql", "00008_cases.sql", "00019_hot_updates.sql"}
	for _, file := range slices.Backward(files) {
		migrate(t, s, file, false)
	}
	for _, file := range files {
		migrate(t, s, file, true)
	}
	s.Pool().Reset() // existing connections have cached the old columns
	if after := listed(); after != before {
		t.Errorf("the standings are\n%swant\n%s", after, before)
	}
}

// migrate runs one part of a migration.
func migrate(t *testing.T, s *store.Store, file string, up bool) {
	t.Helper()
	text, err := os.ReadFile("migrations/" + file)
	storetest.Must(t, err)
	sql, down, _ := strings.Cut(string(text), "-- +goose Down")
	if !up {
		sql = down
	}
	_, err = storetest.Owner(t, s).Exec(t.Context(), sql)
	storetest.Must(t, err)
}

// Mails that are not sent yet move from River's jobs to their queue, and back.
func TestUnsentMailsMoveToTheirQueue(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), storetest.URL(t), storetest.Auditor.Recipient())
	storetest.Must(t, err)
	defer s.Close()
	w := storetest.WorldIn(t, s)
	for _, state := range []qualification.State{qualification.Qualified, qualification.Invited, qualification.CodeEntry} {
		w.RecordInState(t, state)
	}
	now := w.Clock.Now()
	mails, _, err := w.ClaimMails(t.Context(), workflow.QueueMails, now, now.Add(time.Minute), 1)
	storetest.Must(t, err)
	storetest.Must(t, w.MailDeferred(t.Context(), mails[0].Attempt(), "later", false, now.Add(time.Hour)))
	owner := storetest.Owner(t, s)
	read := func(sql string) (text string) {
		t.Helper()
		storetest.Must(t, owner.QueryRow(t.Context(), `select coalesce(string_agg(x::text, ' ' order by x::text), '') from (`+sql+`) x`).Scan(&text))
		return text
	}
	const queue = `select mail_id, queue, queued_at, due_at from mail_queue`
	const jobs = `select args ->> 'mail', queue, created_at, scheduled_at from river_job where kind = 'send_mail'`
	before := read(queue)
	for _, name := range []string{workflow.QueueCodes, workflow.QueueMails, workflow.QueuePEC} {
		if !strings.Contains(before, ","+name+",") {
			t.Errorf("no mail is in the queue %s: %s", name, before)
		}
	}
	migrate(t, s, "00020_mail_queue.sql", false)
	if is := read(jobs); is != before {
		t.Errorf("the jobs are\n%s, want\n%s", is, before)
	}
	migrate(t, s, "00020_mail_queue.sql", true)
	if is := read(queue); is != before {
		t.Errorf("the queue contains\n%s, want\n%s", is, before)
	}
	if left := read(jobs); left != "" {
		t.Errorf("jobs are left: %s", left)
	}
}
