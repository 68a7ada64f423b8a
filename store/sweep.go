package store

import (
	"context"
	"fmt"
	"time"

	"stella/workflow"
)

// Sweep deletes expired sessions, hand-offs, calls and limits, and the stored
// responses that no browser fetched.
//
// It skips rows that a step has locked, and commits after each statement, to avoid
// deadlocks. For example, a step that replaces an old login locks the login and
// then counts against a limit. A sweep that had deleted that limit and waited for
// the login would deadlock with the step.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	for _, expired := range []struct {
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
				select id from logins where answer is not null and answered_at < $1 for update skip locked)`,
			now.Add(-workflow.AnswerLife)},
	} {
		if _, err := s.pool.Exec(ctx, expired.sql, expired.before); err != nil {
			return fmt.Errorf("sweeping %s: %w", expired.what, err)
		}
	}
	return nil
}
