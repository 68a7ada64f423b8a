package mail

import (
	"time"

	"github.com/riverqueue/river"

	"stella/workflow"
)

// Senders at once, of one instance. Each queue has its own, so that a code
// never waits behind another mail, nor a mail behind those of a relay that
// hangs. With a relay that takes 200 ms, the codes of 32 holders who ask at
// once are out in 400 ms.
const (
	codeSenders = 16
	mailSenders = 4
	pecSenders  = 4
)

// A code is fetched within a millisecond of its step, of which the queue is told.
// Only where it could not be, as just after PostgreSQL was away, it finds the code
// by asking.
const (
	codeCooldown = time.Millisecond
	codePoll     = 250 * time.Millisecond
)

// Queues are the queues that a Sender works.
func Queues() map[string]river.QueueConfig {
	return map[string]river.QueueConfig{
		workflow.QueueCodes: {MaxWorkers: codeSenders, FetchCooldown: codeCooldown, FetchPollInterval: codePoll},
		workflow.QueueMails: {MaxWorkers: mailSenders},
		workflow.QueuePEC:   {MaxWorkers: pecSenders},
	}
}
