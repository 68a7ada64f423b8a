package otp_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stella/otp"
)

func TestNextSend(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		why   string
		sends []time.Time
		now   float64
		want  float64
	}{
		{"never sent", nil, 0, 0},
		{"one just now", []time.Time{at(0)}, 0, 20},
		{"one 20 s ago", []time.Time{at(0)}, 20, 20},
		{"one long ago", []time.Time{at(0)}, 5000, 5000},
		{"four in 15 minutes", []time.Time{at(0), at(20), at(40), at(60)}, 70, 80},
		{"five in 15 minutes", []time.Time{at(0), at(20), at(40), at(60), at(80)}, 110, 900},
		{"in any order", []time.Time{at(80), at(40), at(0), at(60), at(20)}, 110, 900},
		{"the first of five is 15 minutes old", []time.Time{at(0), at(20), at(40), at(60), at(80)}, 900, 900},
		{"six", []time.Time{at(0), at(20), at(40), at(60), at(80), at(900)}, 910, 920},
		{"six, and the second is not 15 minutes old", []time.Time{at(0), at(100), at(120), at(140), at(160), at(900)}, 930, 1000},
		{"one by a clock 10 s ahead", []time.Time{at(10)}, 0, 20},
		{"one by a clock an hour ahead", []time.Time{at(3600)}, 0, 0},
	} {
		if got := otp.Defaults.NextSend(c.sends, at(c.now)); !got.Equal(at(c.want)) {
			t.Errorf("%s: %v, want %v", c.why, got.Sub(noon), at(c.want).Sub(noon))
		}
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	four := []time.Time{at(0), at(1), at(2), at(3)}
	five := append(slices.Clone(four), at(4))
	for _, c := range []struct {
		why   string
		wrong []time.Time
		now   float64
		left  int
		end   float64 // of the pause, if there is one
	}{
		{"none", nil, 0, 5, 0},
		{"one", four[:1], 1, 4, 0},
		{"four", four, 4, 1, 0},
		{"four, long ago", four, 1e6, 1, 0},
		{"five", five, 4, 0, 904},
		{"five, just before the end of the pause", five, 903.999, 0, 904},
		{"five, after the pause", five, 904, 5, 0},
		{"six", append(slices.Clone(five), at(1000)), 1000, 4, 0},
		{"ten", append(slices.Clone(five), at(1000), at(1001), at(1002), at(1003), at(1004)), 1010, 0, 1904},
		{"five by a clock 10 s ahead", five, -6, 0, 894},
		{"five by a clock an hour ahead", five, -3600, 5, 0},
	} {
		end, paused := otp.Defaults.PausedUntil(c.wrong, at(c.now))
		if left := otp.Defaults.WrongLeft(c.wrong, at(c.now)); left != c.left || paused != (c.left == 0) {
			t.Errorf("%s: %d left, paused %v; want %d", c.why, left, paused, c.left)
		}
		if paused && !end.Equal(at(c.end)) {
			t.Errorf("%s: paused until %v, want %v", c.why, end.Sub(noon), at(c.end).Sub(noon))
		}
	}
}

// Even with requests without pause, at most five codes are sent in any 15 minutes, 20
// seconds apart.
func TestSendsStayWithinLimits(t *testing.T) {
	t.Parallel()
	l := otp.Defaults
	rapid.Check(t, func(t *rapid.T) {
		var sends []time.Time
		now := noon
		for _, wait := range rapid.SliceOfN(rapid.IntRange(0, 400), 1, 60).Draw(t, "waits") {
			now = now.Add(time.Duration(wait) * time.Second)
			next := l.NextSend(sends, now)
			if next.Before(now) {
				t.Fatalf("the next send is in the past")
			}
			if next.After(now) {
				if wait%2 == 0 {
					continue
				}
				if before := next.Add(-1); !l.NextSend(sends, before).Equal(next) {
					t.Fatalf("next send %v, but %v just before", next, l.NextSend(sends, before))
				}
				now = next // as returned
				if !l.NextSend(sends, now).Equal(now) {
					t.Fatal("refused at the returned time")
				}
			}
			if n := len(sends); n >= 1 && now.Sub(sends[n-1]) < l.Every {
				t.Fatalf("two sends %v apart", now.Sub(sends[n-1]))
			}
			if n := len(sends); n >= l.Sends && now.Sub(sends[n-l.Sends]) < l.Within {
				t.Fatalf("%d sends in %v", l.Sends+1, now.Sub(sends[n-l.Sends]))
			}
			sends = append(sends, now)
		}
	})
}

// Even with attempts without pause, at most five wrong codes are accepted between two
// pauses.
func TestAttemptsStayWithinLimits(t *testing.T) {
	t.Parallel()
	l := otp.Defaults
	rapid.Check(t, func(t *rapid.T) {
		var wrong []time.Time
		now := noon
		for _, wait := range rapid.SliceOfN(rapid.IntRange(0, 300), 1, 100).Draw(t, "waits") {
			now = now.Add(time.Duration(wait) * time.Second)
			if end, paused := l.PausedUntil(wrong, now); paused {
				if end.Sub(now) > l.Pause {
					t.Fatalf("a pause of %v", end.Sub(now))
				}
				continue
			}
			left := l.WrongLeft(wrong, now)
			wrong = append(wrong, now)
			if l.WrongLeft(wrong, now) != left-1 {
				t.Fatalf("%d left, and after one more %d", left, l.WrongLeft(wrong, now))
			}
			if n := len(wrong); n > l.Wrong && now.Sub(wrong[n-1-l.Wrong]) < l.Pause {
				t.Fatalf("%d wrong codes in %v", l.Wrong+1, now.Sub(wrong[n-1-l.Wrong]))
			}
		}
	})
}

// Even if clocks are wrong, no wait is longer than a span, and no user who comes again
// waits longer than two spans.
func TestWaitsAreBounded(t *testing.T) {
	t.Parallel()
	l := otp.Defaults
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Time { return drawTime(t, "time") }), 0, 12).Draw(t, "times")
		slices.SortFunc(times, time.Time.Compare)
		order := slices.Clone(times)
		now := drawTime(t, "now")
		if next := l.NextSend(times, now); next.Sub(now) > l.Within {
			t.Fatalf("the next send in %v", next.Sub(now))
		}
		end, paused := l.PausedUntil(times, now)
		if paused && end.Sub(now) > l.Pause {
			t.Fatalf("a pause of %v", end.Sub(now))
		}
		if left := l.WrongLeft(times, now); left < 0 || left > l.Wrong || (left == 0) != paused {
			t.Fatalf("%d left, paused %v", left, paused)
		}
		if len(times) > 0 && len(times) <= l.Wrong {
			last := times[len(times)-1]
			for _, far := range []time.Time{last.Add(l.Pause), last.Add(-l.Pause - 1)} {
				if _, paused := l.PausedUntil(times[len(times)-1:], far); paused {
					t.Fatalf("one wrong code starts a pause")
				}
				if five := slices.Repeat([]time.Time{last}, l.Wrong); l.WrongLeft(five, far) == 0 {
					t.Fatalf("still paused %v after the last wrong code", far.Sub(last))
				}
			}
		}
		if !slices.Equal(times, order) {
			t.Fatal("the caller's slice was sorted")
		}
	})
}
