package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"stella/templates"
)

// table prints aligned columns. Rows are buffered until flush.
type table struct{ w *tabwriter.Writer }

func newTable(out io.Writer) table { return table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)} }

func (t table) flush() error { return t.w.Flush() }

// row adds a row. It replaces control characters, which a terminal could interpret, by
// "·".
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

// section adds rows below a header. It adds nothing if there are no rows.
func section[T any](t table, header string, rows []T, cells func(T) []string) {
	if len(rows) == 0 {
		return
	}
	_ = t.flush() // each section has its own column widths; the last flush returns an error too
	fmt.Fprintf(t.w, "\n%s\n", header)
	for _, r := range rows {
		t.row(cells(r)...)
	}
}

// dash returns "-" for an empty text.
func dash[T ~string](s T) string {
	if s == "" {
		return "-"
	}
	return string(s)
}

// joinNames returns the names, separated by commas.
func joinNames[T ~string](all []T) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

// formatNumber formats a case number; 0, for no case, is empty.
func formatNumber(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// timeLayout is the layout of times in tables and messages.
const timeLayout = "2006-01-02 15:04:05 -07:00"

// formatTime formats a time in Italian time, with the offset from UTC, because the API
// uses UTC. The zero time is "-".
func formatTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(templates.Rome).Format(timeLayout)
}
