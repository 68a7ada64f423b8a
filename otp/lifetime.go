package otp

import "time"

// Lifetime is how long a code is good, with no allowance.
const Lifetime = 60 * time.Second

// Sent is what is recorded about the mail with a code. A time is zero until
// its moment comes.
type Sent struct {
	StartedAt  time.Time // the relay was called
	AcceptedAt time.Time // the relay took the mail, as far as we know
}

// Expires returns when the code stops being good. It counts from the relay's
// acceptance, or from the start of sending while that is not recorded. Before
// that, ok is false: nothing was sent, no code is good and no time runs.
func (s Sent) Expires() (at time.Time, ok bool) {
	from := s.from()
	return from.Add(Lifetime), !from.IsZero()
}

// Live reports whether the code is good at now: from the moment Expires counts
// from, included, to Expires, excluded. At a time before that moment it is
// not: the clock was set back, and the code would be good for as much longer.
// Its holder asks for another.
func (s Sent) Live(now time.Time) bool {
	from := s.from()
	return !from.IsZero() && !now.Before(from) && now.Before(from.Add(Lifetime))
}

func (s Sent) from() time.Time {
	if s.AcceptedAt.IsZero() {
		return s.StartedAt
	}
	return s.AcceptedAt
}
