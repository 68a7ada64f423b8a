package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"stella/cmd/stella/config"
	"stella/cmd/stella/mailboxfile"
	"stella/store"
	"stella/workflow"
)

type mailboxExportCommand struct {
	config.Database
	Domain string `placeholder:"DOMAIN" help:"Only the mailboxes of this domain."`
	State  string `placeholder:"STATE" help:"Only mailboxes whose qualification is in this state, such as qualified." enum:",${states}" default:""`
}

func (mailboxExportCommand) Help() string {
	return `An import of the exported file changes nothing. Texts are written as they are on record. ` +
		`A spreadsheet may read a text that begins with "=" or "@" as a formula: open the file with all columns as text.`
}

func (c mailboxExportCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	f := workflow.RegisterFilter{}
	if c.State != "" {
		f.States = []string{c.State}
	}
	var err error
	if f.Domains, err = db.Domains(ctx); err != nil {
		return err
	}
	if c.Domain != "" {
		domain := strings.ToLower(c.Domain)
		if !slices.Contains(f.Domains, domain) {
			return fmt.Errorf("no mailbox of the domain %q is on record", c.Domain)
		}
		f.Domains = []string{domain}
	}
	return exportMailboxes(ctx, db.Store, f, os.Stdout)
}

// exportMailboxes writes the mailboxes. It reads them in pages, so that it keeps neither
// millions of them in memory nor a transaction open while it writes to a slow pipe.
func exportMailboxes(ctx context.Context, db *store.Store, f workflow.RegisterFilter, out io.Writer) error {
	w := csv.NewWriter(out)
	w.Write(mailboxfile.Columns) // errors are returned by w.Error
	f.Limit = 2000
	for {
		page, err := db.RegisteredMailboxes(ctx, f)
		if err != nil {
			return err
		}
		for _, m := range page {
			w.Write(mailboxfile.Format(m.Mailbox))
			f.After = m.Mailbox.ID
		}
		w.Flush()
		if err := w.Error(); err != nil {
			return fmt.Errorf("writing the mailboxes: %w", err)
		}
		if len(page) < f.Limit {
			return nil
		}
	}
}
