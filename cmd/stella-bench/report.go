package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// A report is what one run has measured. The figures from CPU to Requests, except PeakMB,
// and those of tables and statements are for one unit, such as a qualification.
type report struct {
	Program   string  `json:"program"`
	Mode      string  `json:"mode"`
	AtOnce    int     `json:"at_once"`
	Unit      string  `json:"unit"`
	Done      int     `json:"done"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`

	CPU    cpuReport `json:"cpu_ms"`
	PeakMB float64   `json:"peak_mb"` // resident memory of the program

	Statements    float64 `json:"statements"`     // that the program sends
	AllStatements float64 `json:"statements_all"` // with those of triggers and foreign keys
	Commits       float64 `json:"commits"`        // of transactions that write
	Transactions  float64 `json:"transactions"`   // all that were committed
	WALBytes      float64 `json:"wal_bytes"`
	RoundTrips    float64 `json:"round_trips,omitempty"` // zero if they were not counted
	Requests      float64 `json:"requests"`              // of HTTP that the driver sends

	Steps  []step        `json:"steps"`
	Tables []tableReport `json:"tables,omitempty"`
	Top    []statement   `json:"top,omitempty"`
}

type cpuReport struct {
	Program    float64 `json:"program"`
	PostgreSQL float64 `json:"postgresql"`
	Driver     float64 `json:"driver"` // with the identity provider and the relay
}

// A tableReport is how often rows of a table are updated.
type tableReport struct {
	Name    string  `json:"name"`
	Updated float64 `json:"updated"`
	HOT     float64 `json:"hot"` // updates without new index entries
}

// tableReports returns the tables with updates, most first.
func tableReports(before, after totals, done int) (all []tableReport) {
	for _, name := range slices.Sorted(maps.Keys(after.tables)) {
		was, is := before.tables[name], after.tables[name]
		if n := is[0] - was[0]; n > 0 {
			all = append(all, tableReport{name, each(n, done), each(is[1]-was[1], done)})
		}
	}
	slices.SortStableFunc(all, func(a, b tableReport) int { return cmp.Compare(b.Updated, a.Updated) })
	return all
}

// spent sets the figures of what was spent for a number of units.
func (r *report) spent(used cpu, before, after counters, units int) {
	n := float64(max(units, 1))
	r.CPU = cpuReport{milliseconds(used.program) / n, milliseconds(used.postgres) / n, milliseconds(used.driver) / n}
	r.Statements = each(after.statements-before.statements, units)
	r.AllStatements = each(after.allStatements-before.allStatements, units)
	r.Commits, r.WALBytes = each(after.written-before.written, units), each(after.wal-before.wal, units)
}

// each returns n divided by the number of units.
func each(n int64, done int) float64 { return float64(n) / float64(max(done, 1)) }

// print writes a report as text.
func (r report) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(cells ...string) {
		for _, c := range cells {
			fmt.Fprint(t, c, "\t")
		}
		fmt.Fprintln(t)
	}
	fmt.Fprintf(w, "%s, %s, %d at once: %d in %.1f s, %s per second\n\n",
		r.Program, r.Mode, r.AtOnce, r.Done, r.Seconds, figure(r.PerSecond))
	if len(r.Steps) > 0 {
		row("step", "n", "p50 ms", "p95 ms", "p99 ms")
	}
	for _, s := range r.Steps {
		row(s.Name, fmt.Sprint(s.N), figure(s.P50), figure(s.P95), figure(s.P99))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nfor one %s:\n", r.Unit)
	for _, f := range r.figures() {
		row(f.name, figure(f.value))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(r.Tables) > 0 {
		fmt.Fprintln(w)
		row("updated rows of", "each", "of them HOT")
		for _, one := range r.Tables {
			row(one.Name, figure(one.Updated), figure(one.HOT))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(r.Top) > 0 {
		fmt.Fprintln(w, "\n   calls      ms  statement (those with * are of triggers and foreign keys)")
	}
	for _, s := range r.Top {
		mark := " "
		if s.Nested {
			mark = "*"
		}
		fmt.Fprintf(w, "%8s%8s %s%.300s\n", figure(s.Calls), figure(s.Milliseconds), mark, s.SQL)
	}
	return nil
}

// A named is a figure with its name.
type named struct {
	name  string
	value float64
	rate  bool // more is better
}

// figures returns the figures of a report, in the order of the tables.
func (r report) figures() []named {
	whole := 0.0
	for _, s := range r.Steps {
		if s.Name == wholeStep {
			whole = s.P50
		}
	}
	all := []named{
		{"per second", r.PerSecond, true},
		{"p50 ms", whole, false},
		{"CPU ms", r.CPU.Program, false},
		{"CPU ms of PostgreSQL", r.CPU.PostgreSQL, false},
		{"CPU ms of both", r.CPU.Program + r.CPU.PostgreSQL, false},
		{"CPU ms of the driver", r.CPU.Driver, false},
		{"peak MB", r.PeakMB, false},
		{"HTTP requests", r.Requests, false},
		{"statements", r.Statements, false},
		{"statements, all", r.AllStatements, false},
		{"commits", r.Commits, false},
		{"transactions", r.Transactions, false},
		{"WAL bytes", r.WALBytes, false},
		{"round trips", r.RoundTrips, false},
	}
	return slices.DeleteFunc(all, func(f named) bool { return f.value == 0 })
}

// figure writes a number with three digits or more.
func figure(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	case f >= 1 || f == 0:
		return fmt.Sprintf("%.2f", f)
	}
	return fmt.Sprintf("%.3f", f)
}
