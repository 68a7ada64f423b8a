package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"stella/workflow"
)

const importHelp = `The first line names the columns, in any order: address,kind,name,fiscal_code,representatives,email,status, and vat_number if you like. They are separated by commas or semicolons. The text is UTF-8.

kind is person, company or empty. Representatives are written "CODE Name;CODE Name". status is active, expired, cancelled or revoked.

A mailbox that is there already is brought up to date; one that is not in the file is left alone. Where the record no longer names the person who was identified, or the company, the mailbox loses its star: --dry-run tells how many would.

Wrong lines are told, and the others taken; --rejects keeps the wrong ones, to be mended and imported like any file. An import may be interrupted and repeated: what is as the file says is not written again.`

type mailboxImportCommand struct {
	database
	operator
	File    string `arg:"" help:"The file; - for standard input."`
	DryRun  bool   `help:"Say what would be done, and change nothing."`
	Rejects string `placeholder:"FILE" help:"Write the lines that are wrong to this file, with line, field and reason before them."`
}

func (mailboxImportCommand) Help() string { return importHelp }

func (c mailboxImportCommand) Run(ctx context.Context) (err error) {
	in := os.Stdin
	if c.File != "-" {
		if in, err = os.Open(c.File); err != nil {
			return err
		}
		defer in.Close()
	}
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	i := &mailboxImport{procedure: &workflow.Procedure{Store: db.Store, Now: time.Now}, operator: c.Operator, trial: c.DryRun,
		told: os.Stderr, progress: startProgress(os.Stderr, in)}
	if c.Rejects != "" {
		rejects, err := createRejects(c.Rejects, in)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rejects.Close()) }()
		i.rejects = rejects
	}
	debug.SetGCPercent(20) // the hashes of millions of addresses stay until the end, and need no room as large again beside them
	err = i.run(ctx, in)
	i.report(os.Stdout)
	return err
}

// createRejects makes the file of rejected lines, for its owner alone.
func createRejects(name string, in *os.File) (*os.File, error) {
	here, err := os.Stat(name)
	if read, unreadable := in.Stat(); err == nil && unreadable == nil && os.SameFile(here, read) {
		return nil, errors.New("--rejects names the file that is imported")
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}

// mailboxImport takes a file of mailboxes, chunk by chunk: each is one
// transaction, so that the service goes on beside it, and two are under way at a
// time, since the database has more than one processor.
type mailboxImport struct {
	procedure *workflow.Procedure
	operator  string
	trial     bool
	told      io.Writer // of wrong lines, the first few
	rejects   io.Writer // all of them; may be nil
	progress  *progress

	done     map[workflow.Recorded]int
	rejected int
	last     int // up to this line all is done
}

const (
	chunkSize  = 4000    // lines
	chunkBytes = 4 << 20 // if they are long
	toldLines  = 20      // wrong ones, on the terminal
)

// chunk is some lines of the file.
type chunk struct {
	mailboxes []workflow.Checked
	wrong     []wrongLine
	last      int   // line
	read      int64 // bytes of the file, up to there

	done  []workflow.Recorded
	err   error
	ready chan struct{} // closed when done and err are there
}

type wrongLine struct {
	csvRecord
	why error
}

// importMailboxes takes every line that is right, and tells of the others.
func importMailboxes(ctx context.Context, p *workflow.Procedure, operator string, in io.Reader, told io.Writer) (map[workflow.Recorded]int, error) {
	i := &mailboxImport{procedure: p, operator: operator, told: told}
	err := i.run(ctx, in)
	return i.done, err
}

// run imports a file. Its error says how far it came, or how many lines are wrong.
func (i *mailboxImport) run(ctx context.Context, in io.Reader) error {
	i.done = map[workflow.Recorded]int{}
	file, err := openMailboxes(in)
	if err != nil {
		return err
	}
	rejects := csv.NewWriter(io.Discard)
	if i.rejects != nil {
		rejects = csv.NewWriter(i.rejects)
	}
	rejects.Write(slices.Concat(rejectColumns, file.own(file.names))) // what goes wrong comes with Error
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	chunks := make(chan *chunk) // while one is waited for, another is under way or being read
	var unread error
	go func() {
		defer close(chunks)
		unread = i.read(ctx, file, chunks)
	}()
	err = i.finishAll(ctx, chunks, file, rejects)
	if err == nil {
		err = unread
	}
	return i.end(err)
}

// finishAll finishes chunk after chunk, until there are no more.
func (i *mailboxImport) finishAll(ctx context.Context, chunks <-chan *chunk, file *mailboxReader, rejects *csv.Writer) error {
	for {
		select {
		case <-ctx.Done(): // the reader may be waiting for a pipe
			return ctx.Err()
		case c, more := <-chunks:
			if !more {
				return nil
			}
			if err := i.finish(c, file, rejects); err != nil {
				return err
			}
		}
	}
}

// read parts the file into chunks and sets them going.
func (i *mailboxImport) read(ctx context.Context, file *mailboxReader, chunks chan<- *chunk) error {
	// Of each address a hash is kept, and not the address, which would be far more
	// with millions. Two that share a hash are a case in ten million files of a
	// million lines; the second is then rejected, and taken the next time.
	seen, seed := map[uint64]uint32{}, maphash.MakeSeed() // on which line
	for {
		c := &chunk{ready: make(chan struct{})}
		begun := file.read
		for len(c.mailboxes)+len(c.wrong) < chunkSize && file.read-begun < chunkBytes {
			row, err := file.next()
			if err == io.EOF {
				return i.begin(ctx, c, file, chunks)
			}
			if err != nil {
				return fmt.Errorf("reading line %d: %w", file.line, err)
			}
			m, err := file.parse(row)
			if err == nil {
				hash := maphash.String(seed, m.Address())
				if first, there := seen[hash]; there {
					err = fmt.Errorf("address: it stands on line %d too", first)
				} else {
					seen[hash] = uint32(row.line)
				}
			}
			if err != nil {
				c.wrong = append(c.wrong, wrongLine{row, err})
			} else {
				c.mailboxes = append(c.mailboxes, m)
			}
		}
		if err := i.begin(ctx, c, file, chunks); err != nil {
			return err
		}
	}
}

// begin sets a chunk going. Its error says that the import was ended.
func (i *mailboxImport) begin(ctx context.Context, c *chunk, file *mailboxReader, chunks chan<- *chunk) error {
	c.last, c.read = file.line-1, file.read
	go func() {
		defer close(c.ready)
		c.done, c.err = i.procedure.Import(ctx, i.operator, c.mailboxes, i.trial)
	}()
	select {
	case chunks <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish waits for a chunk and counts what it did.
func (i *mailboxImport) finish(c *chunk, file *mailboxReader, rejects *csv.Writer) error {
	<-c.ready
	if c.err != nil {
		return c.err
	}
	for _, what := range c.done {
		i.done[what]++
	}
	for _, w := range c.wrong {
		if i.rejected++; i.rejected <= toldLines {
			i.progress.clear()
			fmt.Fprintf(i.told, "line %d: %v\n", w.line, w.why)
		}
		field, reason := w.cause()
		rejects.Write(slices.Concat([]string{strconv.Itoa(w.line), field, reason}, file.own(w.fields)))
	}
	rejects.Flush()
	if err := rejects.Error(); err != nil {
		return fmt.Errorf("writing the rejected lines: %w", err)
	}
	i.last = c.last
	i.progress.show(i.last, c.read)
	return nil
}

// cause parts what is wrong with a line into its fields and its reasons.
func (w wrongLine) cause() (field, reason string) {
	var e *workflow.RecordError
	if !errors.As(w.why, &e) {
		field, reason, found := strings.Cut(w.why.Error(), ": ")
		if !found || field != "address" {
			return "", w.why.Error()
		}
		return field, reason
	}
	var fields, reasons []string
	for _, f := range e.Faults {
		fields, reasons = append(fields, f.Field), append(reasons, f.Reason)
	}
	return strings.Join(fields, "; "), strings.Join(reasons, "; ")
}

// end says what an import comes to, and how far it came where an error ended it.
func (i *mailboxImport) end(err error) error {
	i.progress.end()
	if more := i.rejected - toldLines; more > 0 {
		fmt.Fprintf(i.told, "and %d lines more\n", more)
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	switch {
	case err != nil && i.trial:
		return err
	case err != nil:
		return fmt.Errorf("%w: the lines up to %d were taken; to go on, import the file again", err, i.last)
	case i.rejected == 1:
		return errors.New("1 line was rejected")
	case i.rejected > 0:
		return fmt.Errorf("%d lines were rejected", i.rejected)
	}
	return nil
}

// report prints what was done, or would be done. It prints nothing if no line was
// read, for example because the file has no header.
func (i *mailboxImport) report(out io.Writer) {
	for _, what := range []workflow.Recorded{workflow.RecordMade, workflow.RecordChanged, workflow.RecordRevoked, workflow.RecordUnchanged} {
		if n := i.done[what]; n > 0 {
			fmt.Fprintf(out, "%d %s\n", n, what)
		}
	}
	if i.trial && len(i.done) > 0 {
		fmt.Fprintln(out, "nothing was changed: this is what would be")
	}
}
