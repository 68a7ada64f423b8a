package otp

import "time"

// Lifetime is how long a code is valid. There is no tolerance.
const Lifetime = 60 * time.Second

// Sent contains the recorded times of the mail with a code. A time is zero until the
// event happens.
type Sent struct {
	StartedAt  time.Time // the call of the relay
	AcceptedAt time.Time // the relay accepted the mail, as far as we know
}

// Expires returns when the code expires. It counts from the relay's acceptance, or from
// the start of sending if no acceptance is recorded. If sending has not started, ok is
// false: no code is valid, and no time is running.
func (s Sent) Expires() (at time.Time, ok bool) {
	from := s.from()
	return from.Add(Lifetime), !from.IsZero()
}

// Live reports whether the code is valid at now: from the time that Expires counts
// from, inclusive, to Expires, exclusive. Before that time it is not valid: the clock
// was set back, and otherwise the code would be valid longer than Lifetime. The holder
// must request another code.
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
