package store

import (
	"fmt"

	"github.com/riverqueue/river"

	"stella/workflow"
)

// addDeliveryJobs returns the end of a statement: it adds a job of River for each webhook
// of a query, which selects their IDs, and notifies the queue at the commit.
//
// The statement writes the row of River itself. So the jobs are part of the statement
// that causes them and need no round trip of their own. River's client notifies once per
// FetchCooldown: of two jobs inserted within that time, the one that commits later would
// wait for the next poll.
func addDeliveryJobs(webhooks string) string {
	return fmt.Sprintf(`
		jobs as (
			insert into river_job (kind, max_attempts, state, args, queue)
			select '%s', %d, 'available', jsonb_build_object('webhook', id), '%s' from (%s) of (id)
			returning queue)
		select pg_notify(current_schema() || '.river_insert', json_build_object('queue', queue)::text) from jobs group by queue`,
		workflow.Deliver{}.Kind(), river.MaxAttemptsDefault, workflow.QueueWebhooks, webhooks)
}
