package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"stella/cmd/stella/config"
	"stella/store"
	"stella/workflow"
	"stella/workflow/qualification"
)

type mailboxCommands struct {
	Import mailboxImportCommand `cmd:"" help:"Import mailboxes and their holders from a CSV file."`
	Export mailboxExportCommand `cmd:"" help:"Export the mailboxes and their holders as a CSV file."`
	Delete mailboxDeleteCommand `cmd:"" help:"Delete a mailbox. Its evidence is kept."`
	List   mailboxListCommand   `cmd:"" help:"List the mailboxes and their state."`
	Show   mailboxShowCommand   `cmd:"" help:"Show the record of a mailbox."`
}

type mailboxListCommand struct {
	config.Database
}

func (c mailboxListCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	return listMailboxes(ctx, db.Store, store.MailboxFilter{}, os.Stdout)
}

// listMailboxes prints mailboxes. It reads them in pages, so that it keeps neither
// millions of them in memory nor a transaction open while it writes to a slow pipe.
func listMailboxes(ctx context.Context, db *store.Store, f store.MailboxFilter, out io.Writer) error {
	t := newTable(out)
	t.row("MAILBOX", "STATUS", "KIND", "CASE", "STATE", "SINCE", "STAR")
	f.Limit = 1000
	for {
		page, err := db.Mailboxes(ctx, f)
		if err != nil {
			return err
		}
		for _, m := range page {
			star := ""
			if m.Starred {
				star = "star"
			}
			t.row(m.Address, string(m.Status), dash(m.Kind), dash(formatNumber(m.Number)), dash(m.State), formatTime(m.Since), star)
			f.After = m.Address
		}
		if err := t.flush(); err != nil {
			return fmt.Errorf("writing the list: %w", err)
		}
		if len(page) < f.Limit {
			return nil
		}
	}
}

type mailboxShowCommand struct {
	config.Database
	Address string `arg:"" help:"The mailbox."`
}

func (c mailboxShowCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	id, err := mailboxOf(ctx, db.Store, strings.ToLower(c.Address))
	if err != nil {
		return err
	}
	found, err := db.View(ctx, id)
	if err != nil {
		return err
	}
	m, r := found.Mailbox, found.Mailbox.Record
	t := newTable(os.Stdout)
	t.row("mailbox", m.Address)
	t.row("status", string(m.Status))
	t.row("kind", dash(r.Kind))
	t.row("name", dash(r.Name))
	t.row("fiscal code", dash(r.FiscalCode))
	if r.VATNumber != "" {
		t.row("VAT number", r.VATNumber)
	}
	for _, p := range r.Representatives {
		t.row("representative", p.FiscalCode+" "+p.Name)
	}
	t.row("ordinary address", dash(m.OrdinaryAddress()))
	t.row("record of", formatTime(r.ImportedAt))
	if q := found.Qualification; q != nil {
		t.row("case", formatNumber(q.Number))
		t.row("state", fmt.Sprintf("%s since %s", q.State, formatTime(q.SteppedAt)))
	}
	t.row("star", strconv.FormatBool(m.Star != nil))
	if m.Deleted() {
		t.row("deleted", fmt.Sprintf("%s by %s", formatTime(m.DeletedAt), r.ImportedBy))
	}
	return t.flush()
}

type mailboxDeleteCommand struct {
	config.Database
	operator
	Address string `arg:"" help:"The mailbox."`
}

func (mailboxDeleteCommand) Help() string {
	return `Webmails no longer find the mailbox, its star is revoked, and its open procedures end. ` +
		`The log and all data that it refers to are kept, and "stella mailbox show" still shows the mailbox. ` +
		`A new import restores it, without the star.`
}

func (c mailboxDeleteCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	address := strings.ToLower(c.Address)
	err := (&qualification.Cases{Store: db.Store, Now: time.Now}).Delete(ctx, c.Operator, address)
	if errors.Is(err, workflow.ErrUnknown) {
		return fmt.Errorf("there is no mailbox %s on record", address)
	}
	if err != nil {
		return err
	}
	fmt.Printf("%s: deleted\n", address)
	return nil
}
