package web

import "time"

var rome = func() *time.Location {
	l, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err) // time/tzdata is embedded
	}
	return l
}()

// moment tells from when something is possible, as people here read it; with
// the day where that is not today.
func moment(t, now time.Time) string {
	t, now = wholeMinute(t).In(rome), now.In(rome)
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
