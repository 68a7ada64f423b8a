package store

import (
	"fmt"

	"github.com/riverqueue/river"

	"stella/workflow"
)

// addJobs returns the end of a statement: it adds a job of River for each row of a query,
// and notifies the queue of the jobs at the commit. The query selects the arguments of
// the job in JSON and the name of its queue.
//
// The statement writes the row of River itself. So the jobs are part of the statement
// that causes them and need no round trip of their own. River's client notifies once per
// FetchCooldown: of two jobs inserted within that time, the one that commits later would
// wait for the next poll.
func addJobs(job river.JobArgs, maxAttempts int, query string) string {
	return fmt.Sprintf(`
		jobs as (
			insert into river_job (kind, max_attempts, state, args, queue)
			select '%s', %d, 'available', args, queue from (%s) due (args, queue)
			returning queue)
		select pg_notify(current_schema() || '.river_insert', json_build_object('queue', queue)::text) from jobs group by queue`,
		job.Kind(), maxAttempts, query)
}

// mailAttempts is the attempt limit of River for a mail. It is never reached:
// mail.Sender gives up after a period of time and records that.
const mailAttempts = 1000

// addMailJob adds the job that sends the mail $1 to the queue $2.
var addMailJob = addJobs(workflow.SendMail{}, mailAttempts, `select jsonb_build_object('mail', $1::uuid), $2::text`)

// addDeliveryJobs adds a job for each webhook of a query, which selects their IDs.
func addDeliveryJobs(webhooks string) string {
	return addJobs(workflow.Deliver{}, river.MaxAttemptsDefault,
		`select jsonb_build_object('webhook', id), '`+workflow.QueueWebhooks+`' from (`+webhooks+`) of (id)`)
}
