package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Counters are the figures of a database that are exact at once.
type counters struct {
	statements    int64 // that the program sent
	allStatements int64 // with those of triggers and foreign keys
	written       int64 // transactions that wrote
	wal           int64 // bytes
}

// observing runs f with a connection to the server, if it is known. For a cluster of ours it
// is a connection to another database than the program's.
func (s *subject) observing(ctx context.Context, f func(*pgx.Conn) error) error {
	if s.observed == "" {
		return nil
	}
	db, err := pgx.Connect(ctx, s.observed)
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	return f(db)
}

// sent is the condition for statements that the program sent. Those of triggers and of
// foreign keys are nested, except for foreign keys that are checked at the commit.
const sent = `(toplevel and query not like 'SELECT % FROM ONLY % x WHERE % FOR KEY SHARE OF x')`

// count reads the counters of statements, and those of the cluster.
func (s *subject) count(ctx context.Context) (c counters, err error) {
	err = s.observing(ctx, func(db *pgx.Conn) error {
		return db.QueryRow(ctx, `select coalesce(sum(calls) filter (where `+sent+`), 0)::bigint, coalesce(sum(calls), 0)::bigint,
				(select pg_snapshot_xmax(pg_current_snapshot())::text::bigint), (select pg_current_wal_lsn() - '0/0')::bigint
			from pg_stat_statements s
			where s.dbid = (select oid from pg_database where datname = $1)
				and s.query not like '%pg\_stat\_%' -- the driver's own`, s.database).
			Scan(&c.statements, &c.allStatements, &c.written, &c.wal)
	})
	return c, err
}

// resetStatements sets the counters of statements to zero.
func (s *subject) resetStatements(ctx context.Context) error {
	if s.cluster == nil {
		return nil // it is not ours
	}
	return s.observing(ctx, func(db *pgx.Conn) error {
		_, err := db.Exec(ctx, `select pg_stat_statements_reset()`)
		return err
	})
}

// A statement is one of those that take the most time.
type statement struct {
	Calls        float64 `json:"calls"` // per qualification, like Milliseconds
	Milliseconds float64 `json:"ms"`
	Nested       bool    `json:"nested"` // a trigger or a foreign key executes it
	SQL          string  `json:"sql"`
}

// topStatements returns those n statements that took the most time since the last reset.
func (s *subject) topStatements(ctx context.Context, n, done int) (all []statement, err error) {
	err = s.observing(ctx, func(db *pgx.Conn) error {
		rows, err := db.Query(ctx, `select calls::float8 / $2, total_exec_time / $2, not `+sent+`,
				regexp_replace(query, '\s+', ' ', 'g')
			from pg_stat_statements s
			where s.dbid = (select oid from pg_database where datname = $1)
				and s.query not like '%pg\_stat\_%' -- the driver's own
			order by total_exec_time desc limit $3`, s.database, done, n)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[statement])
		return err
	})
	return all, err
}

// Totals are the figures that PostgreSQL's processes report late: at the latest when
// they end.
type totals struct {
	transactions int64
	tables       map[string][2]int64 // updated rows, and those without new index entries
}

// total reads the totals when no process of the program is connected any more.
func (s *subject) total(ctx context.Context) (t totals, err error) {
	t.tables = map[string][2]int64{}
	url := s.observed
	if s.cluster != nil {
		if err := s.awaitDisconnection(ctx); err != nil {
			return t, err
		}
		url = s.cluster.URL(s.database)
	}
	if url == "" {
		return t, nil
	}
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		return t, err
	}
	defer db.Close(ctx)
	err = db.QueryRow(ctx, `select xact_commit from pg_stat_database where datname = $1`, s.database).Scan(&t.transactions)
	if err != nil {
		return t, err
	}
	rows, err := db.Query(ctx, `select relname, n_tup_upd, n_tup_hot_upd from pg_stat_user_tables`)
	if err != nil {
		return t, err
	}
	var name string
	var updated, hot int64
	_, err = pgx.ForEachRow(rows, []any{&name, &updated, &hot}, func() error {
		t.tables[name] = [2]int64{updated, hot}
		return nil
	})
	return t, err
}

// awaitDisconnection waits until no client is connected to the database.
func (s *subject) awaitDisconnection(ctx context.Context) error {
	return s.observing(ctx, func(db *pgx.Conn) error {
		for {
			var n int
			err := db.QueryRow(ctx, `select count(*) from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
				s.database).Scan(&n)
			if err != nil || n == 0 {
				return err
			}
			if err := pause(ctx, 5*time.Millisecond); err != nil {
				return err
			}
		}
	})
}
