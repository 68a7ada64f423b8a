package main

import (
	"slices"
	"strings"
	"time"
)

// percentile returns the smallest of the sorted times that is not shorter than p percent
// of them.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// A step is how long a kind of request takes, in milliseconds.
type step struct {
	Name string  `json:"name"`
	N    int     `json:"n"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
}

// steps returns the recorded steps in the order in which they first happened.
func (s *stopwatch) steps() []step {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []step
	for _, name := range s.order {
		times := slices.Sorted(slices.Values(s.times[name]))
		all = append(all, step{name, len(times),
			milliseconds(percentile(times, 50)), milliseconds(percentile(times, 95)), milliseconds(percentile(times, 99))})
	}
	return all
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// requests returns the number of requests for one qualification.
func (s *stopwatch) requests(done int) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for name, times := range s.times {
		if strings.Contains(name, " /") {
			n += len(times)
		}
	}
	return each(int64(n), done)
}
