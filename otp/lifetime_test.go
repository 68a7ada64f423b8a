package otp_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"stella/otp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at returns the time some seconds after noon.
func at(seconds float64) time.Time {
	return noon.Add(time.Duration(seconds * float64(time.Second)))
}

// drawTime draws a time within an hour of noon, or the zero time.
func drawTime(t *rapid.T, label string) time.Time {
	if rapid.IntRange(0, 9).Draw(t, label+" missing") == 0 {
		return time.Time{}
	}
	return at(float64(rapid.IntRange(-3600, 3600).Draw(t, label)))
}

func TestLive(t *testing.T) {
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
		{"acceptance not recorded, just before it expires", sending, 64.999, true},
		{"acceptance not recorded, expired", sending, 65, false},
		{"accepted", sent, 8, true},
		{"accepted, just before it expires", sent, 67.999, true},
		{"accepted, expired", sent, 68, false},
		{"clock set back before the acceptance", sent, 7.999, false},
		{"clock set back before the sending", sending, 4, false},
	} {
		if got := c.sent.Live(at(c.now)); got != c.live {
			t.Errorf("%s: live %v, want %v", c.why, got, c.live)
		}
	}
	if _, ok := asked.Expires(); ok {
		t.Error("Expires is true for a code that was not sent")
	}
	if end, ok := sending.Expires(); !ok || !end.Equal(at(65)) {
		t.Errorf("sending: expires %v, %v", end, ok)
	}
	if end, ok := sent.Expires(); !ok || !end.Equal(at(68)) {
		t.Errorf("sent: expires %v, %v", end, ok)
	}
}

// A code is valid within one span of 60 seconds only, even if clocks are wrong.
func TestCodeIsNeverValidLonger(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := otp.Sent{StartedAt: drawTime(t, "started"), AcceptedAt: drawTime(t, "accepted")}
		now := drawTime(t, "now")
		end, _ := s.Expires()
		if s.Live(now) && (!now.Before(end) || now.Before(end.Add(-otp.Lifetime))) {
			t.Fatalf("live at %v, expires %v", now, end)
		}
	})
}
