package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// table writes columns for people to read. What it is given is held until
// flush, which aligns it.
type table struct{ w *tabwriter.Writer }

func newTable(out io.Writer) table { return table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)} }

func (t table) flush() error { return t.w.Flush() }

// row writes cells; what a terminal would take for more than text is left out.
func (t table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				return '·'
			}
			return r
		}, c)
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

// section writes rows under their header, and nothing where there are none.
func section[T any](t table, header string, rows []T, cells func(T) []string) {
	if len(rows) == 0 {
		return
	}
	t.flush() // the columns of this one are its own; an error stays for the last flush
	fmt.Fprintf(t.w, "\n%s\n", header)
	for _, r := range rows {
		t.row(cells(r)...)
	}
}

// dash stands for what is not there.
func dash[T ~string](s T) string {
	if s == "" {
		return "-"
	}
	return string(s)
}

// joined lists what have names.
func joined[T ~string](all []T) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// clock is how a time is written.
const clock = "2006-01-02 15:04:05 -07:00"

var rome = func() *time.Location {
	l, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err) // time/tzdata is embedded
	}
	return l
}()

// moment is a time as operators read it: of Italy, and with its distance from
// UTC, in which the API has it.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(rome).Format(clock)
}
