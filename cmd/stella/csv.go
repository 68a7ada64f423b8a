package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// csvReader reads a CSV file (RFC 4180) in which any line may be wrong. Package
// encoding/csv would take all that follows a stray quote for one field: here a
// record that does not end well is one wrong line, and reading goes on with the
// line below it. It holds no more of the file than longestRecord.
type csvReader struct {
	in    *bufio.Reader
	comma byte
	line  int   // the next one, from 1
	read  int64 // bytes
}

// longestRecord is how long a record may be, in bytes, with its quoted newlines.
const longestRecord = 64 << 10

// csvRecord is a record of a file, or a line that is none.
type csvRecord struct {
	line   int      // where it begins
	fields []string // of a line that is none, the line
	err    error
}

// What is wrong with a line that is no record. errUnfinished alone may be mended
// by reading further.
var (
	errUnfinished = errors.New("a quote is opened and never closed")
	errBareQuote  = errors.New(`a quote inside a field that does not begin with one: put the field in quotes, and double those inside`)
	errAfterQuote = errors.New(`text after a closing quote: double the quotes that are inside a field`)
	errLongLine   = fmt.Errorf("longer than %d bytes", longestRecord)
)

func newCSVReader(in io.Reader) *csvReader {
	return &csvReader{in: bufio.NewReaderSize(in, longestRecord), comma: ',', line: 1}
}

// next returns the next record, blank lines left out; io.EOF after the last.
func (r *csvReader) next() (csvRecord, error) {
	for {
		window, err := r.peek(1)
		if err != nil {
			return csvRecord{}, err
		}
		fields, n, wrong := r.split(window)
		for errors.Is(wrong, errUnfinished) && len(window) < longestRecord {
			longer, err := r.peek(len(window) + 1)
			if err == io.EOF { // the last line may have no newline
				window, _ = r.in.Peek(len(window)) // which has moved
				fields, n, wrong = r.split(append(bytes.Clone(window), '\n'))
				n = min(n, len(window))
				break
			}
			if err != nil {
				return csvRecord{}, err
			}
			window = longer
			fields, n, wrong = r.split(window)
		}
		if wrong != nil {
			return r.skip(window, wrong)
		}
		record := csvRecord{line: r.line, fields: fields}
		r.line += max(1, bytes.Count(window[:n], []byte{'\n'}))
		r.discard(n)
		if len(fields) > 1 || strings.TrimSpace(fields[0]) != "" {
			return record, nil
		}
	}
}

// peek returns all that is in memory, which is at least n bytes; io.EOF where
// there are no more so many.
func (r *csvReader) peek(n int) ([]byte, error) {
	if _, err := r.in.Peek(n); err != nil {
		return nil, err
	}
	return r.in.Peek(r.in.Buffered())
}

func (r *csvReader) discard(n int) {
	r.in.Discard(n) // they are in memory
	r.read += int64(n)
}

// skip leaves the first line of a window out, which is no record.
func (r *csvReader) skip(window []byte, why error) (csvRecord, error) {
	wrong := csvRecord{line: r.line, err: why}
	r.line++
	end := bytes.IndexByte(window, '\n')
	if end < 0 && len(window) == longestRecord {
		wrong.err = errLongLine
		return wrong, r.discardLine()
	}
	if end < 0 {
		end = len(window) - 1
	}
	wrong.fields = []string{strings.TrimRight(string(window[:end+1]), "\r\n")}
	r.discard(end + 1)
	return wrong, nil
}

// discardLine skips the rest of a line, however long it is.
func (r *csvReader) discardLine() error {
	for {
		part, err := r.in.ReadSlice('\n')
		r.read += int64(len(part))
		if err != bufio.ErrBufferFull {
			if err == io.EOF {
				err = nil // the next read says so
			}
			return err
		}
	}
}

// split reads the fields of one record from the beginning of a text, and says how
// many bytes they take.
func (r *csvReader) split(text []byte) (fields []string, n int, err error) {
	if end := bytes.IndexByte(text, '\n'); end >= 0 && bytes.IndexByte(text[:end], '"') < 0 {
		line := strings.TrimSuffix(string(text[:end]), "\r")
		return strings.Split(line, string(r.comma)), end + 1, nil
	}
	for {
		field, rest, err := r.field(text[n:])
		if err != nil {
			return nil, 0, err
		}
		fields = append(fields, field)
		n = len(text) - len(rest)
		if text[n-1] == '\n' {
			return fields, n, nil
		}
	}
}

// field reads one field, and what ends it.
func (r *csvReader) field(text []byte) (field string, rest []byte, err error) {
	quoted := bytes.TrimLeft(text, " \t")
	if len(quoted) == 0 {
		return "", nil, errUnfinished
	}
	if quoted[0] == '"' {
		return r.quoted(quoted[1:])
	}
	end := bytes.IndexAny(text, string(r.comma)+"\n")
	switch {
	case bytes.IndexByte(text[:max(end, 0)], '"') >= 0:
		return "", nil, errBareQuote
	case end < 0:
		return "", nil, errUnfinished
	}
	return strings.TrimSuffix(string(text[:end]), "\r"), text[end+1:], nil
}

// quoted reads a field after its opening quote.
func (r *csvReader) quoted(text []byte) (field string, rest []byte, err error) {
	var inside []byte
	for {
		end := bytes.IndexByte(text, '"')
		if end < 0 || end+1 == len(text) {
			return "", nil, errUnfinished
		}
		inside = append(inside, text[:end]...)
		text = text[end+1:]
		if text[0] != '"' {
			break
		}
		inside = append(inside, '"')
		text = text[1:]
	}
	after := bytes.TrimLeft(text, " \t\r")
	switch {
	case len(after) == 0:
		return "", nil, errUnfinished
	case after[0] != r.comma && after[0] != '\n':
		return "", nil, errAfterQuote
	}
	return string(inside), after[1:], nil
}
