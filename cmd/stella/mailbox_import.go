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

	"stella/cmd/stella/config"
	"stella/cmd/stella/mailboxfile"
	"stella/workflow"
	"stella/workflow/qualification"
)

const importHelp = `The first line names the columns, in any order: ` +
	`address,kind,name,fiscal_code,representatives,email,status, and optionally vat_number. ` +
	`They are separated by commas or semicolons. The text is UTF-8.

kind is person, company or empty. Representatives are written "CODE Name;CODE Name". ` +
	`status is active, expired, cancelled or revoked.

Mailboxes that exist are updated. Mailboxes that are not in the file are not changed. ` +
	`If the new record names another person or company than the identified one, the mailbox loses its star: ` +
	`--dry-run shows how many would.

Invalid lines are reported, and the others imported. --rejects writes the invalid lines to a file, ` +
	`which you can correct and import. An import can be interrupted and repeated: unchanged records are not stored again.`

type mailboxImportCommand struct {
	config.Database
	operator
	File    string `arg:"" help:"The file, or - for standard input."`
	DryRun  bool   `help:"Show what would be done, and change nothing."`
	Rejects string `placeholder:"FILE" help:"Write the invalid lines to this file, preceded by the columns line, field and reason."`
}

func (mailboxImportCommand) Help() string { return importHelp }

func (c mailboxImportCommand) Run(ctx context.Context, db *config.OpenDatabase) (err error) {
	in := os.Stdin
	if c.File != "-" {
		if in, err = os.Open(c.File); err != nil {
			return err
		}
		defer in.Close()
	}
	i := &mailboxImport{
		cases:    &qualification.Cases{Store: db.Store, Now: time.Now},
		operator: c.Operator,
		dryRun:   c.DryRun,
		warnings: os.Stderr,
		progress: startProgress(os.Stderr, in),
	}
	if c.Rejects != "" {
		rejects, err := createRejects(c.Rejects, in)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rejects.Close()) }()
		i.rejects = rejects
	}
	debug.SetGCPercent(20) // the hashes of millions of addresses stay in memory: avoid as much garbage on top of them
	err = i.run(ctx, in)
	i.report(os.Stdout)
	return err
}

// createRejects creates the file of rejected lines, readable only by its owner. It must
// not be the imported file.
func createRejects(name string, in *os.File) (*os.File, error) {
	here, err := os.Stat(name)
	if read, unreadable := in.Stat(); err == nil && unreadable == nil && os.SameFile(here, read) {
		return nil, errors.New("--rejects names the file that is imported")
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}

// mailboxImport imports a mailbox file in chunks. Each chunk is one transaction, so that
// the service can work at the same time. Two chunks run at a time, to use more than one
// processor of the database.
type mailboxImport struct {
	cases    *qualification.Cases
	operator string
	dryRun   bool
	warnings io.Writer // receives the first maxWarnings invalid lines
	rejects  io.Writer // receives all invalid lines; may be nil
	progress *progress

	done     map[qualification.ImportResult]int
	rejected int
	lastLine int // all lines up to this one are done
}

const (
	chunkSize   = 4000    // lines
	chunkBytes  = 4 << 20 // a smaller chunk if the lines are long
	maxWarnings = 20      // invalid lines that are printed
)

// chunk is a part of the file.
type chunk struct {
	mailboxes []workflow.ValidRegistration
	invalid   []invalidLine
	lastLine  int   // line
	read      int64 // bytes of the file, up to there

	done     []qualification.ImportResult
	err      error
	finished chan struct{} // closed when done and err are there
}

type invalidLine struct {
	mailboxfile.Line
	reason error
}

// importMailboxes imports the valid lines, and writes the first invalid lines to
// warnings.
func importMailboxes(
	ctx context.Context, cases *qualification.Cases, operator string, in io.Reader, warnings io.Writer,
) (map[qualification.ImportResult]int, error) {
	i := &mailboxImport{cases: cases, operator: operator, warnings: warnings}
	err := i.run(ctx, in)
	return i.done, err
}

// run imports a file. Its error says how far the import came, or how many lines are
// invalid.
func (i *mailboxImport) run(ctx context.Context, in io.Reader) error {
	i.done = map[qualification.ImportResult]int{}
	file, err := mailboxfile.Open(in)
	if err != nil {
		return err
	}
	rejects := csv.NewWriter(io.Discard)
	if i.rejects != nil {
		rejects = csv.NewWriter(i.rejects)
	}
	rejects.Write(slices.Concat(mailboxfile.RejectColumns, file.WithoutRejectColumns(file.Names))) // errors are returned by rejects.Error
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	chunks := make(chan *chunk) // unbuffered: while collect waits for one chunk, the next is being read or runs
	var readErr error
	go func() {
		defer close(chunks)
		readErr = i.read(ctx, file, chunks)
	}()
	err = i.collectAll(ctx, chunks, file, rejects)
	if err == nil {
		err = readErr
	}
	return i.result(err)
}

// collectAll collects the results of all chunks.
func (i *mailboxImport) collectAll(ctx context.Context, chunks <-chan *chunk, file *mailboxfile.Reader, rejects *csv.Writer) error {
	for {
		select {
		case <-ctx.Done(): // the reader may be waiting for a pipe
			return ctx.Err()
		case c, more := <-chunks:
			if !more {
				return nil
			}
			if err := i.collect(c, file, rejects); err != nil {
				return err
			}
		}
	}
}

// read splits the file into chunks and starts them.
func (i *mailboxImport) read(ctx context.Context, file *mailboxfile.Reader, chunks chan<- *chunk) error {
	// To find duplicates, a hash of each address is kept instead of the address, which
	// would need much more memory. The probability that two addresses in a file
	// with a million lines have the same hash is below 1 in ten million. The second one
	// is then rejected, and imported the next time, because the seed is random.
	seen, seed := map[uint64]uint32{}, maphash.MakeSeed() // seen is the line of each hash
	for {
		c := &chunk{finished: make(chan struct{})}
		begun := file.Offset
		for len(c.mailboxes)+len(c.invalid) < chunkSize && file.Offset-begun < chunkBytes {
			row, err := file.Next()
			if err == io.EOF {
				return i.start(ctx, c, file, chunks)
			}
			if err != nil {
				return fmt.Errorf("reading line %d: %w", file.Number, err)
			}
			m, err := file.Parse(row)
			if err == nil {
				hash := maphash.String(seed, m.Address())
				if first, there := seen[hash]; there {
					err = fmt.Errorf("address: already on line %d", first)
				} else {
					seen[hash] = uint32(row.Number)
				}
			}
			if err != nil {
				c.invalid = append(c.invalid, invalidLine{row, err})
			} else {
				c.mailboxes = append(c.mailboxes, m)
			}
		}
		if err := i.start(ctx, c, file, chunks); err != nil {
			return err
		}
	}
}

// start starts a chunk in the background and passes it to collectAll. It returns an
// error if the import was interrupted.
func (i *mailboxImport) start(ctx context.Context, c *chunk, file *mailboxfile.Reader, chunks chan<- *chunk) error {
	c.lastLine, c.read = file.Number-1, file.Offset
	go func() {
		defer close(c.finished)
		c.done, c.err = i.cases.Import(ctx, i.operator, c.mailboxes, i.dryRun)
	}()
	select {
	case chunks <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// collect waits for a chunk, counts its results and reports its invalid lines.
func (i *mailboxImport) collect(c *chunk, file *mailboxfile.Reader, rejects *csv.Writer) error {
	<-c.finished
	if c.err != nil {
		return c.err
	}
	for _, what := range c.done {
		i.done[what]++
	}
	for _, w := range c.invalid {
		if i.rejected++; i.rejected <= maxWarnings {
			i.progress.clear()
			fmt.Fprintf(i.warnings, "line %d: %v\n", w.Number, w.reason)
		}
		field, reason := w.fieldAndReason()
		rejects.Write(slices.Concat([]string{strconv.Itoa(w.Number), field, reason}, file.WithoutRejectColumns(w.Fields)))
	}
	rejects.Flush()
	if err := rejects.Error(); err != nil {
		return fmt.Errorf("writing the rejected lines: %w", err)
	}
	i.lastLine = c.lastLine
	i.progress.show(i.lastLine, c.read)
	return nil
}

// fieldAndReason returns the invalid fields of a line and the reasons, each separated
// by "; ". field is empty if the whole line is invalid.
func (w invalidLine) fieldAndReason() (field, reason string) {
	var e *workflow.RecordError
	if !errors.As(w.reason, &e) {
		field, reason, found := strings.Cut(w.reason.Error(), ": ")
		if !found || field != "address" {
			return "", w.reason.Error()
		}
		return field, reason
	}
	var fields, reasons []string
	for _, f := range e.Faults {
		fields, reasons = append(fields, f.Field), append(reasons, f.Reason)
	}
	return strings.Join(fields, "; "), strings.Join(reasons, "; ")
}

// result returns the error of the whole import. If err ended the import, it adds the
// last line that was done; otherwise it is the number of rejected lines, if any.
func (i *mailboxImport) result(err error) error {
	i.progress.end()
	if more := i.rejected - maxWarnings; more > 0 {
		fmt.Fprintf(i.warnings, "and %d more lines\n", more)
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	switch {
	case err != nil && i.dryRun:
		return err
	case err != nil:
		return fmt.Errorf("%w: the lines up to %d are done; to continue, import the file again", err, i.lastLine)
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
	outcomes := []qualification.ImportResult{qualification.ImportMade, qualification.ImportChanged, qualification.ImportRevoked, qualification.ImportUnchanged}
	for _, what := range outcomes {
		if n := i.done[what]; n > 0 {
			fmt.Fprintf(out, "%d %s\n", n, what)
		}
	}
	if i.dryRun && len(i.done) > 0 {
		fmt.Fprintln(out, "nothing was changed: this is a dry run")
	}
}
