package web

import (
	"time"

	"stella/templates"
)

// formatTime returns a time in Rome, rounded up to the minute, for example "14:05".
// It adds the date if t is not on the day of now: "14:05 (21/11/2026)".
func formatTime(t, now time.Time) string {
	t, now = wholeMinute(t).In(templates.Rome), now.In(templates.Rome)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return t.Format("15:04 (02/01/2006)")
}

// wholeMinute rounds up to the minute, so that a page never shows a time that is
// too early.
func wholeMinute(t time.Time) time.Time {
	return t.Add(time.Minute - 1).Truncate(time.Minute)
}

// seconds returns d in seconds, rounded up, so that it is 0 only when d has passed.
func seconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}
