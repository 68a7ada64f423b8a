package mail

import "time"

// WithTimeout sets the time for one mail.
func (o RelayOptions) WithTimeout(d time.Duration) RelayOptions {
	o.timeout = d
	return o
}

// WithIdleFor sets the time for which an idle connection is kept.
func (o RelayOptions) WithIdleFor(d time.Duration) RelayOptions {
	o.idleFor = d
	return o
}

// WithLease sets the duration of a claim.
func (q *Queues) WithLease(d time.Duration) *Queues {
	q.lease = d
	return q
}

// WithLookEvery sets the longest time between two claims.
func (q *Queues) WithLookEvery(d time.Duration) *Queues {
	q.lookEvery = d
	return q
}

// The number of senders of two queues.
const (
	CodeSenders = codeSenders
	MailSenders = mailSenders
)

// AddressLiteral returns the address literal in EHLO for a local address with a
// port.
func AddressLiteral(address string) string { return addressLiteral(localAddress(address)) }

type localAddress string

func (localAddress) Network() string  { return "tcp" }
func (a localAddress) String() string { return string(a) }
