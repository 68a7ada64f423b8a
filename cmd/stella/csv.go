package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// csvReader reads a CSV file (RFC 4180) in which any line may be invalid. Package
// encoding/csv would read everything after a stray quote as one field. This reader
// returns an invalid record as one invalid line and goes on with the next line. It
// keeps at most longestRecord bytes of the file in memory.
type csvReader struct {
	in    *bufio.Reader
	comma byte
	line  int   // number of the next line, from 1
	read  int64 // bytes read so far
}

// longestRecord is the maximum length of a record in bytes, with its quoted newlines.
const longestRecord = 64 << 10

// csvRecord is a record of a file, or an invalid line.
type csvRecord struct {
	line   int      // its first line
	fields []string // an invalid line has one field, the line itself
	err    error    // why the line is invalid
}

// The errors of an invalid line. errUnfinished can mean that the record continues
// after the bytes read so far; the others are final.
var (
	errUnfinished = errors.New("a quote is opened and not closed")
	errBareQuote  = errors.New(`a quote inside a field that does not begin with one: put the field in quotes, and double those inside`)
	errAfterQuote = errors.New(`text after a closing quote: double the quotes that are inside a field`)
	errLongLine   = fmt.Errorf("longer than %d bytes", longestRecord)
)

func newCSVReader(in io.Reader) *csvReader {
	return &csvReader{in: bufio.NewReaderSize(in, longestRecord), comma: ',', line: 1}
}

// next returns the next record. It skips blank lines. After the last record it returns
// io.EOF.
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
				window, _ = r.in.Peek(len(window)) // the failed read may have moved the buffer
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

// peek returns all buffered bytes, at least n. It returns io.EOF if fewer than n are
// left.
func (r *csvReader) peek(n int) ([]byte, error) {
	if _, err := r.in.Peek(n); err != nil {
		return nil, err
	}
	return r.in.Peek(r.in.Buffered())
}

func (r *csvReader) discard(n int) {
	r.in.Discard(n) // cannot fail: the bytes are buffered
	r.read += int64(n)
}

// skip returns the first line of a window as an invalid line, and moves to the next.
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
				err = nil // the next read returns it again
			}
			return err
		}
	}
}

// split parses the record at the beginning of a text. It returns the fields and the
// length of the record in bytes.
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

// field parses one field. rest is the text after its separator or newline.
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

// quoted parses a quoted field, without its opening quote.
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
