package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"stella/cmd/stella/config"
	"stella/store"
	"stella/workflow"
)

type mailCommands struct {
	List  mailListCommand  `cmd:"" help:"List mails and their outcome."`
	Show  mailShowCommand  `cmd:"" help:"Show a mail without its text: recipient, times and the relay's reply."`
	Retry mailRetryCommand `cmd:"" help:"Retry a mail that the relay refused or that was dropped."`
}

type mailListCommand struct {
	config.Database
	Pending bool   `help:"Only mails that are still to be sent."`
	Failed  bool   `help:"Only mails that the relay refused or that were dropped."`
	Mailbox string `placeholder:"ADDRESS" help:"Only mails of the cases of this certified mailbox."`
	Limit   uint   `default:"1000" placeholder:"N" help:"Maximum number, the newest first (default: ${default})."`
}

func (c mailListCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	mailbox := strings.ToLower(c.Mailbox)
	if mailbox != "" {
		if _, err := mailboxOf(ctx, db.Store, mailbox); err != nil {
			return err
		}
	}
	all, err := db.SentMails(ctx, store.MailFilter{Mailbox: mailbox, Pending: c.Pending, Failed: c.Failed, Limit: int(c.Limit)})
	if err != nil {
		return err
	}
	t := newTable(os.Stdout)
	t.row("ID", "CASE", "MAILBOX", "KIND", "TO", "ASKED FOR", "ATTEMPTS", "OUTCOME", "AT", "RELAY")
	for _, m := range all {
		t.row(m.ID.String(), strconv.FormatInt(m.Number, 10), m.Mailbox, string(m.Kind), m.To, formatTime(m.RequestedAt),
			strconv.Itoa(m.Attempts), string(m.Outcome), formatTime(m.EndedAt), cmp.Or(m.Reply, "-"))
	}
	return t.flush()
}

// mailID is the argument that names a mail.
type mailID struct {
	ID string `arg:"" name:"id" help:"The mail's ID, as \"stella mail list\" prints it."`
}

func (i mailID) parse() (uuid.UUID, error) {
	id, err := uuid.Parse(i.ID)
	if err != nil {
		return id, fmt.Errorf("%q is not the ID of a mail: see \"stella mail list\"", i.ID)
	}
	return id, nil
}

// describe names the mail in the error if it does not exist.
func (i mailID) describe(err error) error {
	if errors.Is(err, workflow.ErrUnknown) {
		return fmt.Errorf("there is no mail %s", i.ID)
	}
	return err
}

type mailShowCommand struct {
	config.Database
	mailID
}

func (c mailShowCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	id, err := c.parse()
	if err != nil {
		return err
	}
	m, err := db.SentMail(ctx, id)
	if err != nil {
		return c.describe(err)
	}
	t := newTable(os.Stdout)
	t.row("mail", m.ID.String())
	t.row("mailbox", m.Mailbox)
	t.row("case", strconv.FormatInt(m.Number, 10))
	t.row("kind", string(m.Kind))
	t.row("to", m.To)
	t.row("asked for", formatTime(m.RequestedAt))
	t.row("attempts", strconv.Itoa(m.Attempts))
	t.row("outcome", string(m.Outcome))
	t.row("at", formatTime(m.EndedAt))
	t.row("relay", cmp.Or(m.Reply, "-"))
	return t.flush()
}

type mailRetryCommand struct {
	config.Database
	operator
	mailID
}

func (c mailRetryCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	id, err := c.parse()
	if err != nil {
		return err
	}
	p := &workflow.Provider{Store: db.Store, Now: time.Now}
	if err := p.RetryMail(ctx, c.Operator, id); err != nil {
		return c.describe(err)
	}
	fmt.Printf("%s: will be tried again\n", id)
	return nil
}
