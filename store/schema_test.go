package store_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// refused checks that the database refuses the statements, even for the owner of the
// tables. The error must come from the given constraint or contain that text. It may
// come at the commit.
func refused(t *testing.T, w *storetest.World, constraint string, sql ...string) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), storetest.Owner(t, w.Store), func(tx pgx.Tx) error {
		for _, s := range sql {
			done, err := tx.Exec(t.Context(), s)
			if err != nil {
				return err
			}
			if done.RowsAffected() == 0 && !strings.HasPrefix(s, "truncate") {
				t.Errorf("%s: no row", s)
			}
		}
		return nil
	})
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		t.Errorf("%s was not refused (%v)", sql, err)
		return
	}
	if pg.ConstraintName != constraint && !strings.Contains(pg.Message, constraint) {
		t.Errorf("%s was refused by %q, want %q (%v)", sql, pg.ConstraintName, constraint, err)
	}
}

func TestLogIsAppendOnly(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.Summary)
	refused(t, w, "steps never changes: update refused", `update steps set actor = 'system'`)
	refused(t, w, "steps never changes: update refused", `update steps set event = event where false`)
	refused(t, w, "steps never changes: delete refused", `delete from steps`)
	refused(t, w, "steps never changes: truncate refused", `truncate steps cascade`)
	refused(t, w, "steps never changes: truncate refused", `truncate qualifications, steps cascade`)
	refused(t, w, "never changes: delete refused", `delete from steps using qualifications q where q.id = qualification_id`)
	refused(t, w, "steps_pkey", `insert into steps select * from steps`)
}

// Rows that the log refers to may be deleted but never changed.
func TestRowsOfLogNeverChange(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.Qualified)
	for table, change := range map[string]string{
		"records":      "name = ''",
		"declarations": "email = ''",
		"identities":   "fiscal_number = ''",
		"decisions":    "reason = ''",
		"documents":    "version = ''",
		"messages":     "sealed = ''",
	} {
		_, err := storetest.Owner(t, w.Store).Exec(t.Context(), `update `+table+` set `+change)
		if err == nil || !strings.Contains(err.Error(), table+" never changes: update refused") {
			t.Errorf("%s: %v", table, err)
		}
	}
}

func TestSuspensionsAreAppendOnly(t *testing.T) {
	w := newWorld(t)
	storetest.Must(t, w.Provider.Suspend(t.Context(), "paolo", storetest.Provider, w.Clock.Now(), ""))
	refused(t, w, "suspensions never changes: update refused", `update suspensions set since = now()`)
	refused(t, w, "suspensions never changes: delete refused", `delete from suspensions`)
	refused(t, w, "suspensions never changes: truncate refused", `truncate suspensions`)
	refused(t, w, "suspensions_check", `
		insert into suspensions (provider, since, reason, operator, decided_at)
		values ('p', '2026-11-21', '', '', '2026-11-20')`)
}

func TestStarRequiresQualifiedAndReverse(t *testing.T) {
	w := newWorld(t)
	j := w.RecordInState(t, qualification.Qualified)
	other := w.RecordInState(t, qualification.Rejected)
	if j.Case().Mailbox.Star == nil {
		t.Fatal("no star")
	}
	// A star whose qualification is unfinished, of another mailbox, or missing.
	refused(t, w, "star_is_qualified", `
		update mailboxes set star = (select id from qualifications where mailbox_id = mailboxes.id) where star is null`)
	refused(t, w, "star_is_qualified", `
		update mailboxes set star = (select id from qualifications where state = 'qualified') where star is null`)
	refused(t, w, "star_is_qualified", `update mailboxes set star = gen_random_uuid() where star is null`)
	// The qualification is revoked, and the star remains.
	refused(t, w, "star_is_qualified", `
		insert into steps
		select id, version + 1, 'revoked', state, 'revoked', now(), 'operator', '', '', null, '', '{}'
		from qualifications where state = 'qualified'`,
		`update qualifications set version = version + 1, state = 'revoked' where state = 'qualified'`)
	// The star is removed, and the qualification remains qualified.
	refused(t, w, "qualified_is_star", `update mailboxes set star = null where star is not null`)
	// A qualification becomes qualified, with a row in the log but without a star.
	refused(t, w, "qualified_is_star", `
		insert into steps
		select id, version + 1, 'code_right', state, 'qualified', now(), 'webmail', '', '', null, '', '{}'
		from qualifications where state = 'rejected'`,
		`update qualifications set version = version + 1, state = 'qualified' where state = 'rejected'`)
	if s := other.Case().Qualification.State; s != qualification.Rejected {
		t.Errorf("%s", s)
	}
}

func TestEveryStateIsLogged(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.CodeEntry)
	refused(t, w, "state_is_logged", `update qualifications set state = 'summary'`)
	refused(t, w, "state_is_logged", `update qualifications set version = version + 1`)
	refused(t, w, "state_is_logged", `update qualifications set version = version - 3`)
	refused(t, w, "state_is_logged", `
		insert into qualifications (id, mailbox_id, version, state, opened_at, stepped_at, owner, locale, reason, remark)
		select gen_random_uuid(), mailbox_id, 1, 'revoked', now(), now(), 'webmail', 'it', '', '' from qualifications`)
	refused(t, w, "qualifications_state", `update qualifications set state = 'unheard_of'`)
}

func TestMailboxHasOneUnfinishedAndOneQualified(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.Summary)
	second := func(state string) string {
		return `insert into qualifications (id, mailbox_id, version, state, opened_at, stepped_at, owner, locale, reason, remark)
			select gen_random_uuid(), mailbox_id, 1, '` + state + `', now(), now(), 'webmail', 'it', '', '' from qualifications limit 1`
	}
	for _, s := range qualification.States {
		switch s {
		case qualification.Revoked, qualification.Expired: // several are allowed, but must be logged
			refused(t, w, "state_is_logged", second(string(s)))
			continue
		case qualification.Qualified: // allowed with an unfinished one, but needs a star
			refused(t, w, "qualified_is_star", second(string(s)))
			continue
		}
		refused(t, w, "one_unfinished", second(string(s)))
	}
	w = storetest.NewWorld(t)
	w.RecordInState(t, qualification.Qualified)
	refused(t, w, "one_qualified", second("qualified"))
}

// The schema and package workflow have the same states.
func TestStatesMatchWorkflow(t *testing.T) {
	w := newWorld(t)
	var check string
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `
		select pg_get_constraintdef(oid) from pg_constraint where conname = 'qualifications_state'`).Scan(&check))
	var states []qualification.State
	for _, m := range regexp.MustCompile(`'(\w+)'`).FindAllStringSubmatch(check, -1) {
		states = append(states, qualification.State(m[1]))
	}
	if !slices.Equal(states, qualification.States) {
		t.Errorf("the database has %v, workflow has %v", states, qualification.States)
	}
}

func TestOneActiveCodeAndOneActiveInvitation(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.CodeEntry)
	w.RecordInState(t, qualification.Invited)
	refused(t, w, "one_live_code", `insert into codes select gen_random_uuid(), qualification_id, nonce, now(), null from codes`)
	refused(t, w, "one_live_invitation", `
		insert into invitations
		select gen_random_uuid(), qualification_id, version, nonce, '\x01', email, now(), now(), null, null, ''
		from invitations`)
	refused(t, w, "invitations_digest_key", `
		insert into invitations
		select gen_random_uuid(), qualification_id, version, nonce, digest, email, now(), now(), null, now(), 'replaced'
		from invitations`)
	refused(t, w, "invitations_check", `update invitations set ended = 'replaced'`)
}

// A test login, or a login for another mailbox, cannot identify a holder.
func TestLoginBelongsToItsQualification(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.Identified)
	other := w.RecordInState(t, qualification.AtProvider).Case().Qualification
	storetest.Must(t, w.AddTestLogin(t.Context(), workflow.Login{ID: "_trial", StartedAt: w.Clock.Now()}, response("_trial", w)))
	refused(t, w, "login_is_its_own", `update qualifications set login_id = '_trial'`)
	refused(t, w, "login_is_its_own", `update qualifications set login_id = '`+other.Login.ID+`'`)
	for _, login := range []string{"_trial", other.Login.ID} {
		refused(t, w, "login_is_its_own", `
			insert into identities (id, qualification_id, login_id, assertion_id, provider, provider_name, level, name,
				family_name, fiscal_number, date_of_birth, person_code, authenticated_at, identified_at)
			select gen_random_uuid(), qualification_id, '`+login+`', assertion_id, provider, provider_name, level, name,
				family_name, fiscal_number, date_of_birth, person_code, authenticated_at, identified_at from identities`)
	}
	refused(t, w, "trial_or_real", `update logins set qualification_id = null where id <> '_trial'`)
	refused(t, w, "trial_or_real", `update logins set qualification_id = '`+other.ID.String()+`' where id = '_trial'`)
	refused(t, w, "trial_is_not_kept", `update logins set answer = '{}' where id = '_trial'`)
}
