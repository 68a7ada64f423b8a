package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"stella/workflow"
)

type mailboxCommands struct {
	Import mailboxImportCommand `cmd:"" help:"Take mailboxes and their holders from a CSV file."`
	List   mailboxListCommand   `cmd:"" help:"List the mailboxes and where they stand."`
	Show   mailboxShowCommand   `cmd:"" help:"Show what is on record for a mailbox."`
}

const importHelp = `The first line names the columns: address,kind,name,fiscal_code,representatives,email,status; a column vat_number may follow.

kind is person, company or empty. Representatives are written "CODE Name;CODE Name". status is active, expired, cancelled or revoked.

A mailbox that is there already is brought up to date. Where its holder is no more the person who was identified, it loses its star. Wrong lines are told, and the others taken.`

type mailboxImportCommand struct {
	database
	operator
	File string `arg:"" help:"The file; - for standard input."`
}

func (mailboxImportCommand) Help() string { return importHelp }

func (c mailboxImportCommand) Run(ctx context.Context) error {
	in := io.Reader(os.Stdin)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	done, err := importMailboxes(ctx, &workflow.Procedure{Store: db.Store, Now: time.Now}, c.Operator, in)
	for _, what := range []workflow.Recorded{workflow.RecordMade, workflow.RecordChanged, workflow.RecordRevoked, workflow.RecordUnchanged} {
		if n := done[what]; n > 0 {
			fmt.Printf("%d %s\n", n, what)
		}
	}
	return err
}

var columns = []string{"address", "kind", "name", "fiscal_code", "representatives", "email", "status"}

// importMailboxes takes every line that is right, and returns what is wrong
// with the others.
func importMailboxes(ctx context.Context, p *workflow.Procedure, operator string, in io.Reader) (map[workflow.Recorded]int, error) {
	rows := csv.NewReader(in)
	rows.TrimLeadingSpace = true
	header, err := rows.Read()
	if err == io.EOF {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the first line: %w", err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	if !slices.Equal(header, columns) && !slices.Equal(header, append(slices.Clone(columns), "vat_number")) {
		return nil, fmt.Errorf("the first line must be %q, or that with vat_number", strings.Join(columns, ","))
	}
	done := map[workflow.Recorded]int{}
	var wrong []error
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return done, errors.Join(wrong...)
		}
		var malformed *csv.ParseError
		if errors.As(err, &malformed) {
			wrong = append(wrong, fmt.Errorf("line %d: %w", malformed.StartLine, malformed.Err))
			continue
		}
		if err != nil {
			return done, errors.Join(append(wrong, err)...)
		}
		line, _ := rows.FieldPos(0)
		if !utf8.ValidString(strings.Join(row, "")) || strings.ContainsRune(strings.Join(row, ""), 0) {
			wrong = append(wrong, fmt.Errorf("line %d: it is not UTF-8 text", line))
			continue
		}
		r := workflow.Record{Kind: workflow.Kind(row[1]), Name: row[2], FiscalCode: row[3],
			Representatives: parseRepresentatives(row[4]), Email: row[5]}
		if len(row) > len(columns) {
			r.VATNumber = row[len(columns)]
		}
		what, err := p.Record(ctx, operator, row[0], workflow.Status(row[6]), r)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("line %d: %w", line, err))
			continue
		}
		done[what]++
	}
}

func parseRepresentatives(text string) []workflow.Representative {
	var all []workflow.Representative
	for part := range strings.SplitSeq(text, ";") {
		code, name, _ := strings.Cut(strings.TrimSpace(part), " ")
		if code != "" {
			all = append(all, workflow.Representative{FiscalCode: code, Name: strings.TrimSpace(name)})
		}
	}
	return all
}

type mailboxListCommand struct {
	database
}

func (c mailboxListCommand) Run(ctx context.Context) error {
	return c.list(ctx, "", false)
}

// list prints the mailboxes, of one state or all; or only those that have a case.
func (d database) list(ctx context.Context, state workflow.State, cases bool) error {
	db, err := d.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	all, err := db.Mailboxes(ctx, state)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MAILBOX\tSTATUS\tKIND\tCASE\tSTATE\tSINCE\tSTAR")
	for _, m := range all {
		if cases && m.Number == 0 {
			continue
		}
		star := ""
		if m.Starred {
			star = "star"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.Address, m.Status, dash(m.Kind), dash(number(m.Number)), dash(m.State), moment(m.Since), star)
	}
	return w.Flush()
}

type mailboxShowCommand struct {
	database
	Address string `arg:"" help:"The mailbox."`
}

func (c mailboxShowCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	id, err := mailboxOf(ctx, db.Store, strings.ToLower(c.Address))
	if err != nil {
		return err
	}
	found, err := db.View(ctx, id)
	if err != nil {
		return err
	}
	m, r := found.Mailbox, found.Mailbox.Record
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "mailbox\t%s\nstatus\t%s\nkind\t%s\nname\t%s\nfiscal code\t%s\n", m.Address, m.Status, dash(r.Kind), dash(r.Name), dash(r.FiscalCode))
	if r.VATNumber != "" {
		fmt.Fprintf(w, "VAT number\t%s\n", r.VATNumber)
	}
	for _, p := range r.Representatives {
		fmt.Fprintf(w, "representative\t%s %s\n", p.FiscalCode, p.Name)
	}
	fmt.Fprintf(w, "ordinary address\t%s\nrecord of\t%s\n", dash(m.OrdinaryAddress()), moment(r.ImportedAt))
	if q := found.Qualification; q != nil {
		fmt.Fprintf(w, "case\t%d\nstate\t%s since %s\n", q.Number, q.State, moment(q.SteppedAt))
	}
	fmt.Fprintf(w, "star\t%v\n", m.Star != nil)
	return w.Flush()
}

// dash stands for what is not there.
func dash[T ~string](s T) string {
	if s == "" {
		return "-"
	}
	return string(s)
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

var rome = func() *time.Location {
	l, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err) // time/tzdata is embedded
	}
	return l
}()

// moment tells a time as operators read it.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(rome).Format("2006-01-02 15:04:05")
}
