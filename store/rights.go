package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// rights lists the privileges of the service's role on each table, in addition to
// select. PostgreSQL refuses everything else: to change or delete evidence, to
// truncate or alter a table, to drop a trigger. Every table needs a line here.
var rights = []struct{ table, privileges string }{
	// Evidence. Rows are inserted and never changed, except for the columns listed.
	{"steps", "insert"},
	{"records", "insert"},
	{"declarations", "insert"},
	{"identities", "insert"},
	{"decisions", "insert"},
	{"documents", "insert"},
	{"messages", "insert"},
	{"suspensions", "insert"},
	{"announcements", "insert, update (position)"},
	{"invitations", "insert, update (accepted_at, ended_at, ended)"},
	{"logins", "insert, update (answered_at, assertion_id, handle, answer, failure)"},
	{"codes", "insert, update (spent_at)"},
	{"mails", "insert, update (attempts, started_at, accepted_at, refused_at, dropped_at, reply)"},

	// The present state. Its history is in the tables above.
	{"mailboxes", "insert, update"},
	{"qualifications", "insert, update"},
	{"clients", "insert, update"},
	{"webhooks", "insert, update"},
	{"deliveries", "insert, update"},
	{"aggregate", "insert, update"},

	// Rows that expire. Store.Sweep deletes them.
	{"sessions", "insert, update, delete"},
	{"handoffs", "insert, update, delete"},
	{"calls", "insert, update, delete"},
	{"limits", "insert, update, delete"},

	// The mails to be sent. The row of a mail is deleted when the mail has a result.
	{"mail_queue", "insert, update, delete"},

	// Tables of River. It deletes finished jobs, and the rows of instances that
	// have ended.
	{"river_job", "insert, update, delete"},
	{"river_leader", "insert, update, delete"},
	{"river_queue", "insert, update, delete"},
	{"river_notification", "insert, update, delete"},

	// The versions of the schema.
	{"goose_db_version", ""},
	{"river_migration", ""},
}

// ErrRights means that the role of the connection lacks a right that the service needs.
var ErrRights = errors.New("the role lacks rights")

// grant gives the rights of the service to roles, and revokes all their other
// rights on these tables. The role of the connection must own the tables.
func (s *Store) grant(ctx context.Context, roles []string) error {
	for _, role := range roles {
		if err := s.checkGrantable(ctx, role); err != nil {
			return err
		}
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, grants(role), pgx.QueryExecModeSimpleProtocol)
			return err
		})
		if err != nil {
			return fmt.Errorf("granting rights to %s: %w", role, err)
		}
	}
	return nil
}

// grants returns the statements that give a role the rights of the service, in
// the database and schema of the connection. An import needs a temporary table.
func grants(role string) string {
	to := pgx.Identifier{role}.Sanitize()
	var sql strings.Builder
	fmt.Fprintf(&sql, `do $$ begin
		execute format('grant connect, temporary on database %%I to %%s', current_database(), %[1]s);
		execute format('grant usage on schema %%I to %%s', current_schema(), %[1]s);
	end $$;
	grant usage on sequence river_job_id_seq, river_notification_id_seq to %[2]s;`, literal(to), to)
	for _, r := range rights {
		privileges := "select"
		if r.privileges != "" {
			privileges += ", " + r.privileges
		}
		fmt.Fprintf(&sql, "revoke all on %[1]s from %[3]s; grant %[2]s on %[1]s to %[3]s;\n", r.table, privileges, to)
	}
	return sql.String()
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// checkGrantable returns an error if the role does not exist, or if grants cannot
// restrict it: a superuser, or a member of the role that owns the tables.
func (s *Store) checkGrantable(ctx context.Context, role string) error {
	var unbound bool
	err := s.pool.QueryRow(ctx, `
		select r.rolsuper or pg_has_role(r.oid, t.relowner, 'member')
		from pg_roles r, pg_class t
		where r.rolname = $1 and t.oid = 'steps'::regclass`, role).Scan(&unbound)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("there is no role %[1]q: create it with \"create role %[2]s login\", with a password or a certificate",
			role, pgx.Identifier{role}.Sanitize())
	case err != nil:
		return fmt.Errorf("looking at the role %s: %w", role, err)
	case unbound:
		return fmt.Errorf("the role %q is a superuser or owns the tables, so grants do not limit it: name another", role)
	}
	return nil
}

// grantedRoles returns the roles that may insert into the log, except its owner.
func (s *Store) grantedRoles(ctx context.Context) ([]string, error) {
	roles, err := list(ctx, s, pgx.RowTo[string], `
		select distinct pg_get_userbyid(a.grantee)
		from pg_class t, aclexplode(t.relacl) a
		where t.oid = 'steps'::regclass and a.privilege_type = 'INSERT' and a.grantee not in (0, t.relowner)`)
	if err != nil {
		return nil, fmt.Errorf("reading who has rights: %w", err)
	}
	return roles, nil
}

// checkRights returns ErrRights if the role of the connection lacks a right that
// the service needs.
func (s *Store) checkRights(ctx context.Context) error {
	var tables, privileges []string
	for _, r := range rights {
		for _, p := range append([]string{"select"}, withoutColumns(r.privileges)...) {
			tables, privileges = append(tables, r.table), append(privileges, p)
		}
	}
	lacking, err := list(ctx, s, pgx.RowTo[string], `
		select current_user || ' may not ' || privilege || ' in ' || tab
		from unnest($1::text[], $2::text[]) as x (tab, privilege)
		where not case privilege when 'delete' then has_table_privilege(tab, privilege)
		          else has_any_column_privilege(tab, privilege) end
		limit 1`, tables, privileges)
	if err != nil {
		return fmt.Errorf("checking the role's rights: %w", err)
	}
	if len(lacking) > 0 {
		return fmt.Errorf("%w: %s", ErrRights, lacking[0])
	}
	return nil
}

// withoutColumns splits privileges and removes the column lists: for example
// "insert, update (reply)" becomes insert and update.
func withoutColumns(privileges string) (names []string) {
	for _, p := range strings.Split(privileges, ", ") {
		name, _, _ := strings.Cut(p, " ")
		if slices.Contains([]string{"insert", "update", "delete"}, name) {
			names = append(names, name)
		}
	}
	return names
}

// MayDelete reports whether the role of the connection may delete evidence,
// because it owns the tables or is a superuser. The service's role should not.
func (s *Store) MayDelete(ctx context.Context) (bool, error) {
	var may bool
	err := s.pool.QueryRow(ctx, `select has_table_privilege('steps', 'delete')`).Scan(&may)
	if err != nil {
		return false, fmt.Errorf("looking at the role's rights: %w", err)
	}
	return may, nil
}

// isPermissionDenied reports whether PostgreSQL refused a statement because the
// role lacks a right.
func isPermissionDenied(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "42501" // insufficient_privilege
}
