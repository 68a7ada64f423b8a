package store

import (
	"context"
	"fmt"
	"time"

	"stella/workflow"
)

// Sweep deletes the sessions, hand-offs, calls and limits that are over, and the
// parked answers that nobody came for.
//
// What a step holds it leaves for the next time, and it commits after each
// statement: a step that replaces an old login holds that, and then spends of a
// limit. Were that limit swept by a sweep that waits for the login, PostgreSQL
// would end one of the two with an error.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	for _, over := range []struct {
		what, sql string
		before    time.Time
	}{
		{"sessions", `
			delete from sessions where digest in (
				select digest from sessions where expires_at < $1 for update skip locked)`, now.Add(-workflow.SessionKept)},
		{"hand-offs", `
			delete from handoffs where token in (
				select token from handoffs where expires_at < $1 for update skip locked)`, now.Add(-24 * time.Hour)},
		{"calls", `
			delete from calls where (client_id, key) in (
				select client_id, key from calls where claimed_at < $1 for update skip locked)`, now.Add(-workflow.CallLife)},
		{"limits", `
			delete from limits where (name, subject) in (
				select name, subject from limits where arrival < $1 for update skip locked)`, now},
		{"answers", `
			update logins set answer = null, handle = null where id in (
				select id from logins where answer is not null and answered_at < $1 for update skip locked)`, now.Add(-workflow.AnswerLife)},
	} {
		if _, err := s.pool.Exec(ctx, over.sql, over.before); err != nil {
			return fmt.Errorf("sweeping %s: %w", over.what, err)
		}
	}
	return nil
}
