package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

// evidence lists the tables whose rows are evidence, with one column of each.
var evidence = map[string]string{
	"steps": "actor", "records": "name", "declarations": "email", "identities": "fiscal_number", "decisions": "reason",
	"documents": "version", "messages": "sealed", "suspensions": "since", "announcements": "kind",
	"invitations": "email", "logins": "provider", "codes": "nonce", "mails": "recipient",
}

// denied checks that the service's role may not run a statement.
func denied(t *testing.T, w *storetest.World, sql string) {
	t.Helper()
	_, err := w.Pool().Exec(t.Context(), sql)
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "42501" {
		t.Errorf("%s: %v; want permission denied", sql, err)
	}
}

func TestServiceCannotChangeEvidence(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.Qualified)
	for table, column := range evidence {
		for _, sql := range []string{
			"delete from " + table,
			"truncate " + table + " cascade",
			fmt.Sprintf("update %s set %s = %[2]s", table, column),
			fmt.Sprintf("alter table %s alter %s drop not null", table, column),
			"alter table " + table + " disable trigger all",
			"create rule forget as on insert to " + table + " do instead nothing",
			"drop table " + table + " cascade",
		} {
			denied(t, w, sql)
		}
	}
	for _, sql := range []string{
		"drop trigger append_only on steps",
		"drop trigger unchanging on identities",
		"drop function refuse_change cascade",
		"create or replace function refuse_change() returns trigger language plpgsql as $$ begin return new; end $$",
		"set session_replication_role = replica",
		"set role postgres",
		"delete from mailboxes",
		"delete from qualifications",
		"delete from clients",
		"delete from deliveries",
		"delete from goose_db_version",
	} {
		denied(t, w, sql)
	}
	if may, err := w.MayDelete(t.Context()); err != nil || may {
		t.Errorf("the service may delete evidence: %v, %v", may, err)
	}
}

// If a table had no line in rights, only the running service would notice.
func TestEveryTableHasRights(t *testing.T) {
	w := newWorld(t)
	rows, _ := w.Pool().Query(t.Context(), `
		select c.relname || ': ' || coalesce(string_agg(distinct p, ', ' order by p) filter (where has_any_column_privilege(c.oid, p)), '')
		from pg_class c, unnest(array['select', 'insert', 'update']) p
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
		group by c.relname order by c.relname`)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	storetest.Must(t, err)
	for _, table := range tables {
		name, privileges, _ := strings.Cut(table, ": ")
		if !strings.Contains(privileges, "select") {
			t.Errorf("the service may not read %s: it needs a line in the rights of package store", name)
		}
		if _, is := evidence[name]; is && !strings.Contains(privileges, "insert") {
			t.Errorf("the service may not insert into %s: %s", name, privileges)
		}
	}
	if !slices.Contains(tables, "steps: insert, select") {
		t.Errorf("%s", tables)
	}
}

// Migrate grants the rights to the given roles, and later calls keep them up to date.
func TestMigrateGrantsRights(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyURL(t)
	owner, err := store.Open(t.Context(), url, nil)
	storetest.Must(t, err)
	defer owner.Close()
	run := func(sql string) {
		t.Helper()
		_, err := owner.Pool().Exec(t.Context(), sql)
		storetest.Must(t, err)
	}
	const role = `Stella's "service"`
	run(`create role "Stella's ""service""" login`)
	_, err = owner.Migrate(t.Context())
	storetest.Must(t, err)
	service := as(t, owner, role)
	if err := service.CheckSchema(t.Context()); !errors.Is(err, store.ErrRights) {
		t.Errorf("before the grant: %v", err)
	}
	run(`grant all on all tables in schema public to "Stella's ""service"""`) // a manual grant
	_, err = owner.Migrate(t.Context(), role)
	storetest.Must(t, err)
	storetest.Must(t, service.CheckSchema(t.Context()))
	if may, err := service.MayDelete(t.Context()); err != nil || may {
		t.Errorf("the service may still delete: %v, %v", may, err)
	}
	run(`revoke update on mailboxes from "Stella's ""service"""`)
	err = service.CheckSchema(t.Context())
	if !errors.Is(err, store.ErrRights) || !strings.Contains(err.Error(), "may not update in mailboxes") {
		t.Errorf("after a revoke: %v", err)
	}
	_, err = owner.Migrate(t.Context()) // without naming the role
	storetest.Must(t, err)
	storetest.Must(t, service.CheckSchema(t.Context()))

	if _, err := service.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), `connect as "postgres" to migrate`) {
		t.Errorf("Migrate as the service: %v", err)
	}
	if may, err := owner.MayDelete(t.Context()); err != nil || !may {
		t.Errorf("the owner may not delete: %v, %v", may, err)
	}
	for role, want := range map[string]string{
		"nobody's": `there is no role "nobody's": create it with "create role "nobody's" login"`,
		"postgres": "grants do not limit it",
	} {
		if _, err := owner.Migrate(t.Context(), role); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// as opens the database of a store with another role.
func as(t *testing.T, s *store.Store, role string) *store.Store {
	t.Helper()
	other, err := store.Open(t.Context(), storetest.RoleURL(s, role), nil)
	storetest.Must(t, err)
	t.Cleanup(other.Close)
	return other
}
