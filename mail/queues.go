package mail

import (
	"time"

	"github.com/riverqueue/river"

	"stella/workflow"
)

// The number of mails that one instance sends at the same time. Each queue has
// its own senders, so that a code never waits for other mails, and a relay that
// hangs delays only its own mails. If the relay needs 200 ms for a mail, the
// codes of 32 simultaneous requests are sent within 400 ms.
const (
	codeSenders = 16
	mailSenders = 4
	pecSenders  = 4
)

// The step that requests a code notifies the queue, which fetches the job within
// codeCooldown. If the notification is lost, for example while PostgreSQL is
// unavailable, the queue finds the job by polling.
const (
	codeCooldown = time.Millisecond
	codePoll     = 250 * time.Millisecond
)

// Queues returns the configuration of the River queues that a Sender works.
func Queues() map[string]river.QueueConfig {
	return map[string]river.QueueConfig{
		workflow.QueueCodes: {MaxWorkers: codeSenders, FetchCooldown: codeCooldown, FetchPollInterval: codePoll},
		workflow.QueueMails: {MaxWorkers: mailSenders},
		workflow.QueuePEC:   {MaxWorkers: pecSenders},
	}
}
