package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// readFeed reads the feed from a position to its end, in pages.
func readFeed(t *testing.T, w *storetest.World, after int64, limit int) (all []workflow.EventPayload, until int64) {
	t.Helper()
	for {
		page, next, err := w.Feed(t.Context(), []string{storetest.Domain}, nil, after, limit)
		storetest.Must(t, err)
		if after = next; len(page) == 0 {
			return all, after
		}
		all = append(all, page...)
	}
}

// openStep makes a step with an announcement, and leaves its transaction open, like a
// step that has not yet committed.
func openStep(ctx context.Context, pool *pgxpool.Pool, mailbox int64) (pgx.Tx, uuid.UUID, error) {
	id := uuid.New() // IDs are in random order, as if from machines with different clocks
	tx, err := pool.Begin(ctx)
	if err != nil {
		return nil, id, err
	}
	for _, sql := range []string{
		`select id from mailboxes where id = $1 and $2::uuid is not null for update`,
		`insert into steps select id, version + 1, 'holder_invited', state, state, now(), 'system', '', '', null, '', '{}'
		 from qualifications where mailbox_id = $1 and $2::uuid is not null`,
		`update qualifications set version = version + 1 where mailbox_id = $1 and $2::uuid is not null`,
		`insert into announcements (id, kind, mailbox_id, qualification_id, version, active, at)
		 select $2, 'qualification.invited', $1, id, version, true, now() from qualifications where mailbox_id = $1`,
	} {
		if _, err := tx.Exec(ctx, sql, mailbox, id); err != nil {
			return nil, id, errors.Join(err, tx.Rollback(ctx))
		}
	}
	return tx, id, nil
}

// A reader of the feed sees each announcement exactly once, and those of a mailbox in
// order, for any number of concurrent writers and any order of their commits.
func TestFeedIsCompleteWithoutDuplicates(t *testing.T) {
	w := newWorld(t)
	const writers, steps, readers = 32, 25, 4
	config := w.Pool().Config()
	config.MaxConns = writers
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	storetest.Must(t, err)
	defer pool.Close()
	var written sync.Map // the announcements that were committed
	var writing, reading sync.WaitGroup
	var mailboxes []int64
	for range writers {
		mailboxes = append(mailboxes, w.RecordInState(t, qualification.HolderChoice).Mailbox)
	}
	ended := make(chan bool)
	feeds := make([][]workflow.EventPayload, readers)
	for i := range readers {
		reading.Go(func() {
			var after int64
			for last := false; ; {
				limit := 1 + rand.N(7)
				if i == 0 { // this reader is never far behind
					limit = 1000
				}
				page, next, err := w.Feed(t.Context(), []string{storetest.Domain}, nil, after, limit)
				if err != nil {
					t.Error(err)
					return
				}
				feeds[i], after = append(feeds[i], page...), next
				if len(page) > 0 {
					continue
				}
				if last {
					return
				}
				select {
				case <-ended:
					last = true
				case <-time.After(time.Millisecond):
				}
			}
		})
	}
	for _, m := range mailboxes {
		writing.Go(func() {
			for range steps {
				tx, id, err := openStep(t.Context(), pool, m)
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(rand.N(8 * time.Millisecond))
				if rand.N(5) == 0 {
					err = tx.Rollback(t.Context())
				} else {
					written.Store(id, true)
					err = tx.Commit(t.Context())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	close(ended)
	reading.Wait()

	want := writers // the first announcement of each mailbox
	written.Range(func(any, any) bool { want++; return true })
	for i, feed := range feeds {
		seen, versions := map[uuid.UUID]int{}, map[uuid.UUID]int{}
		for _, a := range feed {
			seen[a.ID]++
			if seen[a.ID] == 2 {
				t.Errorf("reader %d saw %s twice", i, a.ID)
			}
			if a.Version <= versions[a.Subject] {
				t.Errorf("reader %d saw step %d of %s after step %d", i, a.Version, a.Address, versions[a.Subject])
			}
			versions[a.Subject] = a.Version
		}
		missed := 0
		written.Range(func(id, _ any) bool {
			if seen[id.(uuid.UUID)] == 0 {
				missed++
			}
			return true
		})
		if missed > 0 || len(feed) != want {
			t.Errorf("reader %d saw %d announcements, want %d; it missed %d", i, len(feed), want, missed)
		}
		if !slices.EqualFunc(feed, feeds[0], func(a, b workflow.EventPayload) bool { return a.ID == b.ID }) {
			t.Errorf("reader %d saw a different order than reader 0", i)
		}
	}
}

// A reader of the feed does not block steps. It does not block other readers if there
// is nothing new. A step that has not committed blocks no reader.
func TestFeedDoesNotBlock(t *testing.T) {
	w := newWorld(t)
	j, other := w.RecordInState(t, qualification.HolderChoice), w.RecordInState(t, qualification.HolderChoice)
	if all, _ := readFeed(t, w, 0, 100); len(all) != 2 {
		t.Fatalf("%d announcements, want 2", len(all))
	}
	soon, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	reader, err := w.Pool().Begin(t.Context())
	storetest.Must(t, err)
	defer reader.Rollback(context.Background())
	_, err = reader.Exec(t.Context(), `select pg_advisory_xact_lock(7357005)`) // a slow reader
	storetest.Must(t, err)
	if _, _, err := w.Feed(soon, []string{storetest.Domain}, nil, 0, 100); err != nil {
		t.Fatalf("with nothing new: %v", err)
	}
	open, _, err := openStep(soon, w.Pool(), j.Mailbox)
	storetest.Must(t, err)
	defer open.Rollback(context.Background())
	storetest.Must(t, reader.Rollback(t.Context()))

	ended, _, err := openStep(soon, w.Pool(), other.Mailbox)
	storetest.Must(t, err)
	storetest.Must(t, ended.Commit(t.Context()))
	before, until := readFeed(t, w, 0, 100)
	if len(before) != 3 {
		t.Errorf("%d announcements while a step is open, want 3", len(before))
	}
	storetest.Must(t, open.Commit(t.Context()))
	if after, _ := readFeed(t, w, until, 100); len(after) != 1 || after[0].Mailbox != j.Mailbox {
		t.Errorf("after its commit: %+v", after)
	}
}

// A client reads only events of its domains. The position that it receives skips the
// events of other domains.
func TestFeedContainsOnlyDomainsOfClient(t *testing.T) {
	w := newWorld(t)
	other := workflow.Client{Name: "other", Domains: []string{"altrove.example"}, Scopes: []workflow.Scope{workflow.ScopeWebmail}}
	j := w.RecordInState(t, qualification.Invited)
	page, last, err := w.Provider.Events(t.Context(), other, nil, 0, 10)
	if err != nil || len(page) != 0 || last != 2 {
		t.Errorf("the other client reads %+v until %d (%v)", page, last, err)
	}
	page, last, err = w.Provider.Events(t.Context(), w.Client, nil, 0, 1)
	if err != nil || len(page) != 1 || last != 1 || page[0].Kind != workflow.AnnounceStarted ||
		page[0].Address != j.Address || page[0].Number != j.Case().Qualification.Number {
		t.Errorf("the client reads %+v until %d (%v)", page, last, err)
	}
	kinds := []workflow.AnnouncementKind{workflow.AnnounceInvited, workflow.AnnounceRevoked}
	page, last, err = w.Provider.Events(t.Context(), w.Client, kinds, 0, 10)
	if err != nil || len(page) != 1 || last != 2 || page[0].Kind != workflow.AnnounceInvited {
		t.Errorf("with two kinds, the client reads %+v until %d (%v)", page, last, err)
	}
	if page, last, err = w.Provider.Events(t.Context(), w.Client, nil, 2, 10); err != nil || len(page) != 0 || last != 2 {
		t.Errorf("at the end, the client reads %+v until %d (%v)", page, last, err)
	}
	if _, _, err = w.Provider.Events(t.Context(), w.Client, nil, 3, 10); !errors.Is(err, workflow.ErrPosition) {
		t.Errorf("after the end: %v, want %v", err, workflow.ErrPosition)
	}
	var invalid *workflow.InputError
	if _, _, err = w.Provider.Events(t.Context(), w.Client, []workflow.AnnouncementKind{"unheard.of"}, 0, 10); !errors.As(err, &invalid) {
		t.Errorf("an unknown kind: %v", err)
	}
}

// The position is set once. Nothing else in an announcement ever changes.
func TestAnnouncementsNeverChange(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.Invited)
	for _, set := range []string{"active = false", "at = now()", "id = gen_random_uuid()", "kind = 'qualification.revoked', position = 7"} {
		refused(t, w, "announcements never changes: update refused", `update announcements set `+set)
	}
	readFeed(t, w, 0, 10)
	refused(t, w, "announcements never changes: update refused", `update announcements set position = position + 7`)
	refused(t, w, "announcements never changes: update refused", `update announcements set position = null`)
	refused(t, w, "announcements never changes: delete refused", `delete from announcements`)
	refused(t, w, "announcements never changes: truncate refused", `truncate announcements cascade`)
	again := `insert into announcements (id, kind, mailbox_id, qualification_id, version, active, at)
		select gen_random_uuid(), kind, mailbox_id, qualification_id, %s, active, at from announcements limit 1`
	refused(t, w, "announced_once", fmt.Sprintf(again, "version"))
	refused(t, w, "announcement_is_logged", fmt.Sprintf(again, "version + 77"))
	refused(t, w, "announcements_kind", `insert into announcements (id, kind, mailbox_id, qualification_id, version, active, at)
		select gen_random_uuid(), 'unheard.of', mailbox_id, qualification_id, 2, active, at from announcements limit 1`)
}

// The schema and package workflow have the same kinds of announcements.
func TestAnnouncementKindsMatchWorkflow(t *testing.T) {
	w := newWorld(t)
	var kinds []string
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `
		select array_agg(k[1]) from pg_constraint, regexp_matches(pg_get_constraintdef(oid), '''([a-z_.]+)''', 'g') k
		where conname = 'announcements_kind'`).Scan(&kinds))
	want := make([]string, len(workflow.AnnouncementKinds))
	for i, k := range workflow.AnnouncementKinds {
		want[i] = string(k)
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("the database has %v, workflow has %v", kinds, want)
	}
}
