package service

import (
	"testing"
	"testing/synctest"
	"time"
)

// The drain lasts until the balancer has received enough failures, at most maxDrain.
func TestReadinessDrainEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		before []time.Duration // probes before the stop
		after  int             // probes after the stop, one a second
		want   time.Duration
	}{
		{"the balancer goes on probing", []time.Duration{2 * time.Second, time.Second}, drainProbes, drainProbes * time.Second},
		{"the balancer stops probing", []time.Duration{2 * time.Second, time.Second}, drainProbes - 1, maxDrain},
		{"no probes", nil, 0, 0},
		{"one probe", []time.Duration{time.Second}, 0, 0},
		{"the last probes are old", []time.Duration{maxDrain + time.Second, maxDrain}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d readinessDrain
				end := time.Now().Add(time.Hour)
				for _, before := range test.before {
					time.Sleep(time.Until(end.Add(-before)))
					if d.probe(time.Now()) {
						t.Error("a probe fails before the stop")
					}
				}
				time.Sleep(time.Until(end))
				go func() {
					for range test.after {
						time.Sleep(time.Second)
						if !d.probe(time.Now()) {
							t.Error("a probe succeeds after the stop")
						}
					}
				}()
				d.failReadiness()
				if took := time.Since(end); took != test.want {
					t.Errorf("the drain takes %v, want %v", took, test.want)
				}
			})
		})
	}
}
