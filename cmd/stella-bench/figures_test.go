package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(i+1))
	}
	for p, want := range map[int]time.Duration{0: 1, 50: 100, 95: 190, 99: 198, 100: 200} {
		if got := percentile(times, p); got != want {
			t.Errorf("percentile %d is %d, want %d", p, got, want)
		}
	}
	if percentile(nil, 50) != 0 || percentile(times[:1], 99) != 1 {
		t.Error("few times are wrong")
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(one.values); got != one.want {
			t.Errorf("the median of %v is %v, want %v", one.values, got, one.want)
		}
	}
}

func TestFiguresHaveThreeDigits(t *testing.T) {
	t.Parallel()
	for f, want := range map[float64]string{1234.5: "1234", 99.96: "100.0", 12.34: "12.3", 1.234: "1.23", 0.1234: "0.123", 0: "0.00"} {
		if got := figure(f); got != want {
			t.Errorf("%v is written %q, want %q", f, got, want)
		}
	}
}

// A comparison has the medians of the rounds, and the quotients of the first program and the
// others.
func TestComparison(t *testing.T) {
	t.Parallel()
	c := comparison{Programs: []string{"stella", "base", "floor"}}
	for _, seconds := range []float64{10, 30, 20} {
		for i, p := range c.Programs {
			c.Reports = append(c.Reports, report{Program: p, Mode: whole.name, AtOnce: 8, Unit: whole.unit,
				PerSecond: seconds * float64(i+1)})
		}
	}
	c.Reports = append(c.Reports, report{Program: "stella", Mode: whole.name, AtOnce: 1, PerSecond: 1e6})
	c.Tables = []table{c.table(turn{mode: whole, atOnce: 8}, map[string]float64{"stella": 130})}
	var b bytes.Buffer
	must(t, c.print(&b))
	got := strings.Join(strings.Fields(b.String()), " ")
	want := "whole, 8 at once, for one qualification stella base floor stella/base stella/floor " +
		"per second 20.0 40.0 60.0 0.500 0.333 round trips 130 – – – –"
	if got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

func TestUpdatedTables(t *testing.T) {
	t.Parallel()
	before := totals{tables: map[string][2]int64{"a": {5, 5}, "b": {1, 0}}}
	after := totals{tables: map[string][2]int64{"a": {5, 5}, "b": {3, 1}, "c": {8, 8}}}
	got := tableReports(before, after, 2)
	if len(got) != 2 || got[0] != (tableReport{"c", 4, 4}) || got[1] != (tableReport{"b", 1, 0.5}) {
		t.Errorf("the tables are %v", got)
	}
}

// The name of a step contains no secret and no address.
func TestNamesOfSteps(t *testing.T) {
	t.Parallel()
	s := newStopwatch("http://127.0.0.1:1")
	for url, want := range map[string]string{
		"http://127.0.0.1:1/contatti?x=1":                           "GET /contatti",
		"http://127.0.0.1:1/start/SECRET":                           "GET /start/…",
		"http://127.0.0.1:1/api/v1/mailboxes/anna.neri@pec.example": "GET /api/v1/mailboxes/…",
		"http://localhost:2/sso?SAMLRequest=x":                      "provider GET /sso",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		must(t, err)
		if got := s.step(r); got != want {
			t.Errorf("%s is the step %q, want %q", url, got, want)
		}
	}
}
