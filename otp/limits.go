package otp

import (
	"slices"
	"time"
)

// Limits bound how many codes are sent for a mailbox and how many wrong codes are
// accepted. They are evaluated on recorded times, in any order and of any age, so a
// restart resets nothing. All fields are above zero.
//
// A recorded time may be later than now, because clocks differ or are set back. It then
// counts as now, so that no wait is longer than the span that it starts (Every, Within
// or Pause). A time that is later than now by more than that span is ignored; otherwise
// it would start the span again until the clock has caught up.
type Limits struct {
	Every  time.Duration // from one code to the next
	Sends  int           // at most this many codes
	Within time.Duration // in any span of this length
	Wrong  int           // wrong codes before a pause
	Pause  time.Duration // no code is accepted in a pause, right or wrong
}

// Defaults are the limits of a service that configures none: one code every 20 seconds
// and 5 in 15 minutes; 5 wrong codes, then a pause of 15 minutes.
var Defaults = Limits{
	Every:  20 * time.Second,
	Sends:  5,
	Within: 15 * time.Minute,
	Wrong:  5,
	Pause:  15 * time.Minute,
}

// NextSend returns when the next code may be sent, given the times of those already
// sent. It returns now if a code may be sent immediately.
func (l Limits) NextSend(sends []time.Time, now time.Time) time.Time {
	next := now
	if past := plausible(sends, now, l.Every); len(past) > 0 {
		next = later(next, past[len(past)-1].Add(l.Every))
	}
	if past := plausible(sends, now, l.Within); len(past) >= l.Sends {
		next = later(next, past[len(past)-l.Sends].Add(l.Within))
	}
	return next
}

// WrongLeft returns how many more wrong codes are accepted, given the times of all
// wrong codes since the last right one. It returns 0 during a pause. Every l.Wrong of
// them start a pause; after it the count starts again.
func (l Limits) WrongLeft(wrong []time.Time, now time.Time) int {
	if _, paused := l.PausedUntil(wrong, now); paused {
		return 0
	}
	return l.Wrong - len(plausible(wrong, now, l.Pause))%l.Wrong
}

// PausedUntil returns the end of the last pause that the wrong codes started, and
// whether it is later than now. At its end, codes are accepted again.
func (l Limits) PausedUntil(wrong []time.Time, now time.Time) (end time.Time, paused bool) {
	past := plausible(wrong, now, l.Pause)
	n := len(past) - len(past)%l.Wrong
	if n == 0 {
		return time.Time{}, false
	}
	end = past[n-1].Add(l.Pause)
	return end, now.Before(end)
}

// plausible returns times in ascending order. Times after now are replaced with now,
// and those more than span after now are dropped.
func plausible(times []time.Time, now time.Time, span time.Duration) []time.Time {
	var past []time.Time
	for _, t := range times {
		switch ahead := t.Sub(now); {
		case ahead <= 0:
			past = append(past, t)
		case ahead <= span:
			past = append(past, now)
		}
	}
	slices.SortFunc(past, time.Time.Compare)
	return past
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
