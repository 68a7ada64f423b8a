package mailboxfile

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// csvReader reads what encoding/csv writes, also if it arrives byte by byte.
func TestCSVRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		field := rapid.StringOf(rapid.SampledFrom([]rune("aè ,;\"\n=")))
		want := rapid.SliceOfN(rapid.SliceOfN(field, 2, 4), 1, 20).Draw(t, "records")
		var text strings.Builder
		w := csv.NewWriter(&text)
		w.UseCRLF = rapid.Bool().Draw(t, "CRLF")
		if err := w.WriteAll(want); err != nil {
			t.Fatal(err)
		}
		in := io.Reader(strings.NewReader(text.String()))
		if rapid.Bool().Draw(t, "slowly") {
			in = iotest.OneByteReader(in)
		}
		r := newCSVReader(in)
		for n, record := range want {
			got, err := r.Next()
			if err != nil || got.err != nil {
				t.Fatalf("record %d: %v, %v", n, err, got.err)
			}
			for i := range record { // quoted newlines are kept as they are in the file
				if strings.ReplaceAll(got.Fields[i], "\r\n", "\n") != record[i] || len(got.Fields) != len(record) {
					t.Fatalf("record %d is %q, want %q, of %q", n, got.Fields, record, text.String())
				}
			}
		}
		if _, err := r.Next(); err != io.EOF || r.Offset != int64(text.Len()) {
			t.Fatalf("at the end: %v, after %d bytes of %d", err, r.Offset, text.Len())
		}
	})
}

// An invalid line does not make other lines invalid.
func TestInvalidCSVLinesAreIsolated(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", longestRecord)
	for name, c := range map[string]struct {
		text string
		want []string // "line: fields" or "line: error"
	}{
		"an open quote": {
			"a,b\n\"c,d\ne,f\n\"g\",h\n", []string{"1: a|b", "2: a quote is opened", "3: e|f", "4: g|h"},
		},
		"an open quote to the end": {"a,b\n\"c,d\ne,f\n", []string{"1: a|b", "2: a quote is opened", "3: e|f"}},
		"an open quote in a long file": {
			"\"c,d\n" + strings.Repeat("e,f\n", longestRecord/2),
			append([]string{"1: a quote is opened"}, lines(2, longestRecord/2, "e|f")...),
		},
		"an open quote in the last line": {"a,b\n\"c,d", []string{"1: a|b", "2: a quote is opened"}},
		"a quote inside":                 {"a\"b,c\nd,e\n", []string{"1: a quote inside", "2: d|e"}},
		"a long line":                    {"a,b\n" + long + ",c\nd,e\n", []string{"1: a|b", "2: longer than", "3: d|e"}},
		"a long line at the end":         {"a,b\n" + long + "c", []string{"1: a|b", "2: longer than"}},
		"lines counted in quotes":        {"\"a\n\nb\",c\n\nd,e\n", []string{"1: a\n\nb|c", "5: d|e"}},
		"blanks before a quote":          {" \"a\",\t\"b\"\r\n", []string{"1: a|b"}},
		"quotes that are not doubled":    {"\"5\" disk\",x\nd,e\n", []string{"1: text after a closing quote", "2: d|e"}},
		"the longest line":               {long[:longestRecord-3] + ",c\nd,e\n", []string{"1: " + long[:longestRecord-3] + "|c", "2: d|e"}},
		"blanks after a quote":           {"\"a\" ,b\nc,d\n", []string{"1: text after a closing quote", "2: c|d"}},
		"nothing but newlines":           {"\n\r\n\n", nil},
	} {
		r := newCSVReader(strings.NewReader(c.text))
		var got []string
		for len(got) <= len(c.want) { // reads one more than wanted, to see too many
			record, err := r.Next()
			if err != nil {
				break
			}
			text := strings.Join(record.Fields, "|")
			if record.err != nil {
				text = record.err.Error()
			}
			got = append(got, fmt.Sprintf("%d: %s", record.Number, text))
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %d records, want %d: %.300q", name, len(got), len(c.want), got)
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], c.want[i]) {
				t.Errorf("%s: the record is %q, want %q", name, got[i], c.want[i])
				break
			}
		}
	}
}

func lines(first, n int, text string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%d: %s", first+i, text)
	}
	return all
}
