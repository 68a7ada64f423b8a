package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"stella/workflow"
)

// The columns of a file of mailboxes. They are known by their names, in any
// order; vat_number may be missing.
var columns = []string{"address", "kind", "name", "fiscal_code", "representatives", "email", "status", "vat_number"}

// The columns that a file of rejected lines has before those of its own file, so
// that it can be mended and imported as it is.
var rejectColumns = []string{"line", "field", "reason"}

// mailboxReader reads a file of mailboxes.
type mailboxReader struct {
	*csvReader
	names  []string       // of the columns, as they stand in the file
	column map[string]int // where each stands
}

// openMailboxes reads the first line, which names the columns.
func openMailboxes(in io.Reader) (*mailboxReader, error) {
	r := &mailboxReader{csvReader: newCSVReader(in), column: map[string]int{}}
	err := r.begin()
	if err == io.EOF {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	header, err := r.next()
	if err == nil {
		err = header.err
	}
	if err == io.EOF {
		return nil, errors.New("the file names no columns")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the first line: %w", err)
	}
	return r, r.name(header.fields)
}

// begin learns how the file is written, from its beginning.
func (r *mailboxReader) begin() error {
	start, err := r.peek(1)
	if err == io.EOF {
		return err
	}
	if err != nil {
		return fmt.Errorf("reading the first line: %w", err)
	}
	first := firstLine(start)
	if bytes.HasPrefix(first, []byte("\xff\xfe")) || bytes.HasPrefix(first, []byte("\xfe\xff")) || bytes.IndexByte(first, 0) >= 0 {
		return errors.New(`the file is UTF-16, or no text at all: save it as UTF-8 (in Excel "CSV UTF-8"), or convert it with "iconv -f UTF-16 -t UTF-8"`)
	}
	if rest, marked := bytes.CutPrefix(first, []byte("\ufeff")); marked {
		r.discard(len("\ufeff"))
		first = rest
	}
	if bytes.IndexByte(first, '\r') >= 0 {
		return errors.New(`the lines end in a carriage return alone, as no program reads them: convert them with "tr '\r' '\n'"`)
	}
	return r.separate(first)
}

// separate learns what separates the fields: Excel writes semicolons where the
// comma is for decimals, and may say so in a line before the columns, sep=;.
func (r *mailboxReader) separate(first []byte) error {
	told, hint := bytes.CutPrefix(bytes.ToLower(bytes.Trim(first, `" `)), []byte("sep="))
	switch {
	case !hint && bytes.IndexByte(first, ';') >= 0, string(told) == ";":
		r.comma = ';'
	case hint && string(told) != ",":
		return errors.New("the first line names another separator than a comma or a semicolon")
	}
	if hint {
		return r.discardLine()
	}
	return nil
}

// firstLine is a text up to its first line end.
func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// name learns the columns' names.
func (r *mailboxReader) name(names []string) error {
	var unknown, twice, missing []string
	words := !slices.ContainsFunc(names, func(n string) bool { return !columnName.MatchString(strings.TrimSpace(n)) })
	for i, n := range names {
		n = strings.ToLower(strings.TrimSpace(n))
		called := fmt.Sprintf("%q", n)
		if !words { // perhaps the line holds people's data, which no message repeats
			called = fmt.Sprintf("column %d", i+1)
		}
		switch _, there := r.column[n]; {
		case there:
			twice = append(twice, called)
		case !slices.Contains(columns, n) && !slices.Contains(rejectColumns, n):
			unknown = append(unknown, called)
		}
		r.column[n] = i
		r.names = append(r.names, n)
	}
	for _, n := range columns {
		if _, there := r.column[n]; !there && n != "vat_number" {
			missing = append(missing, n)
		}
	}
	switch {
	case len(missing) == len(columns)-1:
		return fmt.Errorf("the first line does not name the columns: it must be %s", strings.Join(columns[:len(columns)-1], ","))
	case len(unknown) > 0:
		return fmt.Errorf("the first line names columns that are not known: %s", strings.Join(unknown, ", "))
	case len(twice) > 0:
		return fmt.Errorf("the first line names columns twice: %s", strings.Join(twice, ", "))
	case len(missing) > 0:
		return fmt.Errorf("the first line does not name the columns %s", strings.Join(missing, ", "))
	}
	return nil
}

// columnName matches a word of a header, and nothing.
var columnName = regexp.MustCompile(`^([\pL_][\pL_ -]{0,30})?$`)

// parse reads the mailbox of a record; the error is a RecordError, or of the
// whole line.
func (r *mailboxReader) parse(row csvRecord) (workflow.Checked, error) {
	switch {
	case row.err != nil:
		return workflow.Checked{}, row.err
	case len(row.fields) != len(r.names):
		return workflow.Checked{}, fmt.Errorf("%d columns, where the first line has %d", len(row.fields), len(r.names))
	}
	for _, f := range row.fields {
		if !utf8.ValidString(f) {
			return workflow.Checked{}, errEncoding
		}
	}
	return workflow.Registration{Address: r.field(row, "address"), Record: workflow.Record{
		Kind:            workflow.Kind(r.field(row, "kind")),
		Name:            r.field(row, "name"),
		FiscalCode:      r.field(row, "fiscal_code"),
		VATNumber:       r.field(row, "vat_number"),
		Representatives: parseRepresentatives(r.field(row, "representatives")),
		Email:           r.field(row, "email"),
		Status:          workflow.Status(r.field(row, "status")),
	}}.Check()
}

// own are the columns of the file's own, in which rejected lines are kept; a line
// that could not be parted is kept as it is.
func (r *mailboxReader) own(fields []string) []string {
	if len(fields) != len(r.names) {
		return fields
	}
	var own []string
	for i, n := range r.names {
		if !slices.Contains(rejectColumns, n) {
			own = append(own, fields[i])
		}
	}
	return own
}

var errEncoding = errors.New(`not UTF-8 text: save the file as UTF-8 (in Excel "CSV UTF-8"), or convert it with "iconv -f WINDOWS-1252 -t UTF-8"`)

func (r *mailboxReader) field(row csvRecord, name string) string {
	if i, there := r.column[name]; there {
		return strings.TrimSpace(row.fields[i])
	}
	return ""
}

// parseRepresentatives reads "CODE Name;CODE Name".
func parseRepresentatives(text string) []workflow.Representative {
	var all []workflow.Representative
	for part := range strings.SplitSeq(text, ";") {
		code, name, _ := strings.Cut(strings.TrimSpace(part), " ")
		if code != "" {
			all = append(all, workflow.Representative{FiscalCode: code, Name: name})
		}
	}
	return all
}

// formatMailbox writes what parse reads.
func formatMailbox(m workflow.Mailbox) []string {
	r := m.Record
	representatives := make([]string, len(r.Representatives))
	for i, p := range r.Representatives {
		representatives[i] = strings.TrimSpace(p.FiscalCode + " " + p.Name)
	}
	return []string{m.Address, string(r.Kind), r.Name, r.FiscalCode, strings.Join(representatives, ";"), r.Email, string(r.Status), r.VATNumber}
}
