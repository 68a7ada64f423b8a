package web

import (
	"time"

	"stella/templates"
)

// moment tells from when something is possible, as people here read it; with
// the day where that is not today.
func moment(t, now time.Time) string {
	t, now = wholeMinute(t).In(templates.Rome), now.In(templates.Rome)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return t.Format("15:04 (02/01/2006)")
}

// wholeMinute rounds up, so that what is told to the minute is not told too
// early.
func wholeMinute(t time.Time) time.Time {
	return t.Add(time.Minute - 1).Truncate(time.Minute)
}

// seconds rounds up, so that nothing seems over before it is.
func seconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}
