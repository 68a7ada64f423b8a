package otp

import (
	"slices"
	"time"
)

// Limits bound how many codes a mailbox is sent and how many wrong ones it is
// forgiven. They judge recorded times, in any order and of any age, so that a
// restart forgives nothing. All of them are above zero.
//
// A recorded time may lie after now, since clocks differ and are set back. It
// counts as now, so that nobody is told to wait longer than the span it begins
// (Every, Within or Pause); but one further ahead than that span is left out
// for it, or it would begin anew until the clock has caught up.
type Limits struct {
	Every  time.Duration // from one send to the next
	Sends  int           // at most so many
	Within time.Duration // in any such span
	Wrong  int           // wrong codes until the pause
	Pause  time.Duration // in which none is taken, right or wrong
}

// Defaults are the limits of a service that configures none: a send every 20
// seconds and 5 in 15 minutes; 5 wrong codes, then 15 minutes' pause.
var Defaults = Limits{
	Every:  20 * time.Second,
	Sends:  5,
	Within: 15 * time.Minute,
	Wrong:  5,
	Pause:  15 * time.Minute,
}

// NextSend returns when a code may be sent after those sent at sends: now, if
// at once, or later.
func (l Limits) NextSend(sends []time.Time, now time.Time) time.Time {
	next := now
	if past := believed(sends, now, l.Every); len(past) > 0 {
		next = later(next, past[len(past)-1].Add(l.Every))
	}
	if past := believed(sends, now, l.Within); len(past) >= l.Sends {
		next = later(next, past[len(past)-l.Sends].Add(l.Within))
	}
	return next
}

// WrongLeft returns how many more wrong codes are forgiven, given the times of
// all wrong ones since the last right one: 0 during a pause. Every Wrong of
// them begin a pause, after which the count begins again.
func (l Limits) WrongLeft(wrong []time.Time, now time.Time) int {
	if _, paused := l.PausedUntil(wrong, now); paused {
		return 0
	}
	return l.Wrong - len(believed(wrong, now, l.Pause))%l.Wrong
}

// PausedUntil returns the end of the last pause that the wrong codes at wrong
// have begun, and whether it is still to come. From that moment on codes are
// taken again.
func (l Limits) PausedUntil(wrong []time.Time, now time.Time) (end time.Time, paused bool) {
	past := believed(wrong, now, l.Pause)
	n := len(past) - len(past)%l.Wrong
	if n == 0 {
		return time.Time{}, false
	}
	end = past[n-1].Add(l.Pause)
	return end, now.Before(end)
}

// believed returns times in order, those after now as now, without those that
// are further after it than span.
func believed(times []time.Time, now time.Time, span time.Duration) []time.Time {
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
