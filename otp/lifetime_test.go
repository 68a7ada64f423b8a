package otp_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"stella/otp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is a time some seconds after noon.
func at(seconds float64) time.Time {
	return noon.Add(time.Duration(seconds * float64(time.Second)))
}

// moment draws a time within an hour around noon, or none.
func moment(t *rapid.T, label string) time.Time {
	if rapid.IntRange(0, 9).Draw(t, label+" missing") == 0 {
		return time.Time{}
	}
	return at(float64(rapid.IntRange(-3600, 3600).Draw(t, label)))
}

func TestLife(t *testing.T) {
	t.Parallel()
	asked := otp.Sent{}
	sending := otp.Sent{StartedAt: at(5)}
	sent := otp.Sent{StartedAt: at(5), AcceptedAt: at(8)}
	for _, c := range []struct {
		why  string
		sent otp.Sent
		now  float64
		live bool
	}{
		{"not sent yet", asked, 1, false},
		{"not sent for a long time", asked, 1000, false},
		{"sending", sending, 5, true},
		{"acceptance not recorded, last moment", sending, 64.999, true},
		{"acceptance not recorded, too late", sending, 65, false},
		{"accepted", sent, 8, true},
		{"accepted, last moment", sent, 67.999, true},
		{"accepted, too late", sent, 68, false},
		{"clock set back before the acceptance", sent, 7.999, false},
		{"clock set back before the sending", sending, 4, false},
	} {
		if got := c.sent.Live(at(c.now)); got != c.live {
			t.Errorf("%s: live %v, want %v", c.why, got, c.live)
		}
	}
	if _, ok := asked.Expires(); ok {
		t.Error("a code expires that was not sent")
	}
	if end, ok := sending.Expires(); !ok || !end.Equal(at(65)) {
		t.Errorf("sending: expires %v, %v", end, ok)
	}
	if end, ok := sent.Expires(); !ok || !end.Equal(at(68)) {
		t.Errorf("sent: expires %v, %v", end, ok)
	}
}

// Whatever the clocks did, a code is good in one span of 60 seconds only.
func TestNoCodeLivesLonger(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := otp.Sent{StartedAt: moment(t, "started"), AcceptedAt: moment(t, "accepted")}
		now := moment(t, "now")
		end, _ := s.Expires()
		if s.Live(now) && (!now.Before(end) || now.Before(end.Add(-otp.Lifetime))) {
			t.Fatalf("live at %v, expires %v", now, end)
		}
	})
}
