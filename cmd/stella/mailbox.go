package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"stella/store"
	"stella/workflow"
)

type mailboxCommands struct {
	Import mailboxImportCommand `cmd:"" help:"Take mailboxes and their holders from a CSV file."`
	Export mailboxExportCommand `cmd:"" help:"Write the mailboxes on record as a CSV file."`
	Delete mailboxDeleteCommand `cmd:"" help:"Delete a mailbox; what is known of it is kept."`
	List   mailboxListCommand   `cmd:"" help:"List the mailboxes and where they stand."`
	Show   mailboxShowCommand   `cmd:"" help:"Show what is on record for a mailbox."`
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
	all, err := db.Mailboxes(ctx, store.MailboxFilter{State: state, Cases: cases, Limit: math.MaxInt32})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MAILBOX\tSTATUS\tKIND\tCASE\tSTATE\tSINCE\tSTAR")
	for _, m := range all {
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
	if m.Deleted() {
		fmt.Fprintf(w, "deleted\t%s by %s\n", moment(m.DeletedAt), r.ImportedBy)
	}
	return w.Flush()
}

type mailboxDeleteCommand struct {
	database
	operator
	Address string `arg:"" help:"The mailbox."`
}

func (mailboxDeleteCommand) Help() string {
	return `The mailbox is unknown to webmails from then on; its star is revoked, and what was under way ends. The log and all that it refers to are kept, and "stella mailbox show" still tells of it. A new import brings it back, without star.`
}

func (c mailboxDeleteCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	address := strings.ToLower(c.Address)
	err = (&workflow.Procedure{Store: db.Store, Now: time.Now}).Delete(ctx, c.Operator, address)
	if errors.Is(err, workflow.ErrUnknown) {
		return fmt.Errorf("there is no mailbox %s on record", address)
	}
	return err
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
