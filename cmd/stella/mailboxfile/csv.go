package mailboxfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// csvReader reads a CSV file (RFC 4180) in which any line may be invalid. Package
// encoding/csv reads everything after a stray quote as one field. Therefore this reader
// finds the end of each record by itself, and passes one record at a time to that
// package. It returns an invalid record as one invalid line and goes on with the next
// line. It keeps at most longestRecord bytes of the file in memory.
type csvReader struct {
	in     *bufio.Reader
	comma  byte
	Number int   // number of the next line, from 1
	Offset int64 // bytes read so far
}

// longestRecord is the maximum length of a record in bytes, with its quoted newlines.
const longestRecord = 64 << 10

// Line is a record of a file, or an invalid line.
type Line struct {
	Number int      // its first line
	Fields []string // an invalid line has one field, the line itself
	err    error    // why the line is invalid
}

// The errors of an invalid line.
var (
	errUnfinished = errors.New("a quote is opened and not closed")
	errBareQuote  = errors.New(`a quote inside a field that does not begin with one: put the field in quotes, and double those inside`)
	errAfterQuote = errors.New(`text after a closing quote: double the quotes that are inside a field`)
	errLongLine   = fmt.Errorf("longer than %d bytes", longestRecord)
)

func newCSVReader(in io.Reader) *csvReader {
	return &csvReader{in: bufio.NewReaderSize(in, longestRecord), comma: ',', Number: 1}
}

// Next returns the next record. It skips blank lines. After the last record it returns
// io.EOF.
func (r *csvReader) Next() (Line, error) {
	for {
		window, n, ended, err := r.window()
		if err != nil {
			return Line{}, err
		}
		fields, wrong := r.split(window[:n])
		if wrong == nil && !ended {
			wrong = errUnfinished
		}
		if wrong != nil {
			if _, first := r.split(firstLine(window)); first != nil { // the more exact reason
				wrong = first
			}
			return r.skip(window, wrong)
		}
		record := Line{Number: r.Number, Fields: fields}
		r.Number += max(1, bytes.Count(window[:n], []byte{'\n'}))
		r.discard(n)
		if len(fields) > 1 || strings.TrimSpace(fields[0]) != "" {
			return record, nil
		}
	}
}

// window returns the text from here on, and the length of the record at its beginning: it
// ends with a newline that is not between quotes, or with the file. ended is false if no
// end is found within longestRecord bytes.
func (r *csvReader) window() (text []byte, n int, ended bool, err error) {
	text, err = r.peek(1)
	for quoted := false; err == nil; {
		for n < len(text) {
			c := text[n]
			n++
			switch {
			case c == '"':
				quoted = !quoted
			case c == '\n' && !quoted:
				return text, n, true, nil
			}
		}
		if len(text) == longestRecord {
			return text, n, false, nil
		}
		var longer []byte
		if longer, err = r.peek(len(text) + 1); err == nil {
			text = longer
		}
	}
	if err == io.EOF && n > 0 { // the last line may have no newline
		text, _ = r.in.Peek(n) // the failed read may have moved the buffer
		return text, n, true, nil
	}
	return nil, 0, false, err
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
	r.Offset += int64(n)
}

// skip returns the first line of a window as an invalid line, and moves to the next.
func (r *csvReader) skip(window []byte, why error) (Line, error) {
	wrong := Line{Number: r.Number, err: why}
	r.Number++
	end := bytes.IndexByte(window, '\n')
	if end < 0 && len(window) == longestRecord {
		wrong.err = errLongLine
		return wrong, r.discardLine()
	}
	if end < 0 {
		end = len(window) - 1
	}
	wrong.Fields = []string{strings.TrimRight(string(window[:end+1]), "\r\n")}
	r.discard(end + 1)
	return wrong, nil
}

// discardLine skips the rest of a line, however long it is.
func (r *csvReader) discardLine() error {
	for {
		part, err := r.in.ReadSlice('\n')
		r.Offset += int64(len(part))
		if err != bufio.ErrBufferFull {
			if err == io.EOF {
				err = nil // the next read returns it again
			}
			return err
		}
	}
}

// split parses one record.
func (r *csvReader) split(text []byte) ([]string, error) {
	if bytes.IndexByte(text, '"') < 0 { // most lines; package csv would allocate for each
		return strings.Split(string(bytes.TrimRight(text, "\r\n")), string(r.comma)), nil
	}
	parser := csv.NewReader(bytes.NewReader(text))
	parser.Comma, parser.TrimLeadingSpace = rune(r.comma), true
	fields, err := parser.Read()
	var wrong *csv.ParseError
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		return nil, errBareQuote
	case errors.As(err, &wrong) && errors.Is(err, csv.ErrQuote) && atEnd(text, wrong):
		return nil, errUnfinished
	case errors.Is(err, csv.ErrQuote):
		return nil, errAfterQuote
	}
	return fields, err
}

// atEnd reports whether the place of an error is the end of a text.
func atEnd(text []byte, wrong *csv.ParseError) bool {
	lines := bytes.Split(bytes.TrimRight(text, "\r\n"), []byte{'\n'})
	return wrong.Line > len(lines) || wrong.Line == len(lines) && wrong.Column > len(lines[wrong.Line-1])
}
