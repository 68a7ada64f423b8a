package mailboxfile

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

// Columns are the columns of a mailbox file. The first line of the file names them, in
// any order. Those in optional may be missing.
var Columns = []string{"address", "kind", "name", "fiscal_code", "representatives", "email", "status", "vat_number"}

var optional = []string{"vat_number"}

// RejectColumns are the columns that a file of rejected lines has before those of the
// imported file. An import ignores them, so that the corrected file can be imported.
var RejectColumns = []string{"line", "field", "reason"}

// Reader reads a mailbox file.
type Reader struct {
	*csvReader
	Names  []string       // the columns in the file's order
	column map[string]int // index of each column
}

// Open detects the file's format and reads the line that names the columns.
func Open(in io.Reader) (*Reader, error) {
	r := &Reader{csvReader: newCSVReader(in), column: map[string]int{}}
	err := r.detectFormat()
	if err == io.EOF {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	header, err := r.Next()
	if err == nil {
		err = header.err
	}
	if err == io.EOF {
		return nil, errors.New("the file names no columns")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the first line: %w", err)
	}
	return r, r.readHeader(header.Fields)
}

// detectFormat skips a byte order mark and detects the separator. It returns an error
// for UTF-16 and for lines that end in CR alone.
func (r *Reader) detectFormat() error {
	start, err := r.peek(1)
	if err == io.EOF {
		return err
	}
	if err != nil {
		return fmt.Errorf("reading the first line: %w", err)
	}
	first := firstLine(start)
	if bytes.HasPrefix(first, []byte("\xff\xfe")) || bytes.HasPrefix(first, []byte("\xfe\xff")) || bytes.IndexByte(first, 0) >= 0 {
		return errors.New(`the file is UTF-16, or not a text: save it as UTF-8 (in Excel "CSV UTF-8"), ` +
			`or convert it with "iconv -f UTF-16 -t UTF-8"`)
	}
	if rest, marked := bytes.CutPrefix(first, []byte("\ufeff")); marked {
		r.discard(len("\ufeff"))
		first = rest
	}
	if bytes.IndexByte(first, '\r') >= 0 {
		return errors.New(`the lines end in a carriage return alone: convert them with "tr '\r' '\n'"`)
	}
	return r.detectSeparator(first)
}

// detectSeparator detects a comma or a semicolon. Excel writes semicolons in countries
// with a decimal comma. It may also write the separator in a line before the columns,
// "sep=;"; detectSeparator skips this line.
func (r *Reader) detectSeparator(first []byte) error {
	named, hint := bytes.CutPrefix(bytes.ToLower(bytes.Trim(first, `" `)), []byte("sep="))
	switch {
	case !hint && bytes.IndexByte(first, ';') >= 0, string(named) == ";":
		r.comma = ';'
	case hint && string(named) != ",":
		return errors.New("the first line names another separator than a comma or a semicolon")
	}
	if hint {
		return r.discardLine()
	}
	return nil
}

// firstLine returns the first line of a text, without its line end.
func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// readHeader reads the names of the columns.
func (r *Reader) readHeader(names []string) error {
	var unknown, twice, missing []string
	words := !slices.ContainsFunc(names, func(n string) bool { return !columnName.MatchString(strings.TrimSpace(n)) })
	for i, n := range names {
		n = strings.ToLower(strings.TrimSpace(n))
		called := fmt.Sprintf("%q", n)
		if !words { // the line may contain personal data, which no message repeats
			called = fmt.Sprintf("column %d", i+1)
		}
		switch _, there := r.column[n]; {
		case there:
			twice = append(twice, called)
		case !slices.Contains(Columns, n) && !slices.Contains(RejectColumns, n):
			unknown = append(unknown, called)
		}
		r.column[n] = i
		r.Names = append(r.Names, n)
	}
	required := slices.DeleteFunc(slices.Clone(Columns), func(n string) bool { return slices.Contains(optional, n) })
	for _, n := range required {
		if _, there := r.column[n]; !there {
			missing = append(missing, n)
		}
	}
	switch {
	case len(missing) == len(required):
		return fmt.Errorf("the first line does not name the columns: it must be %s", strings.Join(required, ","))
	case len(unknown) > 0:
		return fmt.Errorf("the first line names unknown columns: %s", strings.Join(unknown, ", "))
	case len(twice) > 0:
		return fmt.Errorf("the first line names columns twice: %s", strings.Join(twice, ", "))
	case len(missing) > 0:
		return fmt.Errorf("the first line does not name the columns %s", strings.Join(missing, ", "))
	}
	return nil
}

// columnName matches the name of a column, or an empty text.
var columnName = regexp.MustCompile(`^([\pL_][\pL_ -]{0,30})?$`)

// Parse returns the mailbox of a row. The error is a [workflow.RecordError], or an
// error of the whole line.
func (r *Reader) Parse(row Line) (workflow.ValidRegistration, error) {
	switch {
	case row.err != nil:
		return workflow.ValidRegistration{}, row.err
	case len(row.Fields) != len(r.Names):
		return workflow.ValidRegistration{}, fmt.Errorf("%d columns, but the first line has %d", len(row.Fields), len(r.Names))
	}
	for _, f := range row.Fields {
		if !utf8.ValidString(f) {
			return workflow.ValidRegistration{}, errEncoding
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

// WithoutRejectColumns returns the fields without those of RejectColumns, for the file
// of rejected lines. A line that could not be split into fields is returned unchanged.
func (r *Reader) WithoutRejectColumns(fields []string) []string {
	if len(fields) != len(r.Names) {
		return fields
	}
	var rest []string
	for i, n := range r.Names {
		if !slices.Contains(RejectColumns, n) {
			rest = append(rest, fields[i])
		}
	}
	return rest
}

var errEncoding = errors.New(`not UTF-8 text: save the file as UTF-8 (in Excel "CSV UTF-8"), ` +
	`or convert it with "iconv -f WINDOWS-1252 -t UTF-8"`)

func (r *Reader) field(row Line, name string) string {
	if i, there := r.column[name]; there {
		return strings.TrimSpace(row.Fields[i])
	}
	return ""
}

// parseRepresentatives parses "CODE Name;CODE Name".
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

// Format returns the fields of a mailbox in the order of Columns. It is the
// inverse of Parse.
func Format(m workflow.Mailbox) []string {
	r := m.Record
	representatives := make([]string, len(r.Representatives))
	for i, p := range r.Representatives {
		representatives[i] = strings.TrimSpace(p.FiscalCode + " " + p.Name)
	}
	return []string{
		m.Address, string(r.Kind), r.Name, r.FiscalCode, strings.Join(representatives, ";"),
		r.Email, string(r.Status), r.VATNumber,
	}
}
