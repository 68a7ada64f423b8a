package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"stella/cmd/stella/config"
	"stella/store"
	"stella/workflow"
	"stella/workflow/qualification"
)

type qualificationCommand struct {
	List    qualificationListCommand   `cmd:"" help:"List the mailboxes that have a qualification, with its state."`
	Show    qualificationShowCommand   `cmd:"" help:"Show a qualification: all steps, their evidence, all mails."`
	Approve qualificationDecideCommand `cmd:"" help:"Approve a qualification under review. The mailbox gets its star."`
	Refuse  qualificationDecideCommand `cmd:"" help:"Refuse a qualification under review. The holder receives the reason in these words."`
	Revoke  qualificationDecideCommand `cmd:"" help:"Revoke the star of a qualified mailbox. The holder receives the reason in these words."`
}

type qualificationListCommand struct {
	config.Database
	State string `placeholder:"STATE" help:"Only qualifications in this state, such as under_review." enum:",${states}" default:""`
}

func (c qualificationListCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	return listMailboxes(ctx, db.Store, store.MailboxFilter{State: qualification.State(c.State), Cases: true}, os.Stdout)
}

// subject is the argument that names a mailbox, by its address or by a case number.
type subject struct {
	Subject string `arg:"" name:"address" help:"The mailbox, or the case number."`
}

// find returns the address and ID of the mailbox, and the case number if the argument
// is one, otherwise 0.
func (s subject) find(ctx context.Context, db *store.Store) (address string, mailbox, number int64, err error) {
	address = strings.ToLower(s.Subject)
	if n, notNumber := strconv.ParseInt(s.Subject, 10, 64); notNumber == nil {
		number = n
		address, err = db.AddressOf(ctx, number)
		if errors.Is(err, workflow.ErrUnknown) {
			err = fmt.Errorf("there is no case %d", number)
		}
		if err != nil {
			return "", 0, 0, err
		}
	}
	mailbox, err = mailboxOf(ctx, db, address)
	return address, mailbox, number, err
}

func mailboxOf(ctx context.Context, db *store.Store, address string) (int64, error) {
	id, err := db.MailboxByAddress(ctx, address)
	if errors.Is(err, workflow.ErrUnknown) {
		return 0, fmt.Errorf("there is no mailbox %s on record", address)
	}
	return id, err
}

type qualificationDecideCommand struct {
	config.Database
	operator
	subject
	Reason string `required:"" placeholder:"TEXT" help:"The reason of the decision, or the document it is based on. It is stored with the decision."`
}

// Run approves, refuses or revokes. which is the name of the command.
func (c qualificationDecideCommand) Run(ctx context.Context, db *config.OpenDatabase, which verb) error {
	address, _, number, err := c.find(ctx, db.Store)
	if err != nil {
		return err
	}
	p := &qualification.Cases{Store: db.Store, Now: time.Now}
	decide := map[verb]func(context.Context, string, string, int64, string) error{
		"approve": p.Approve, "refuse": p.Refuse, "revoke": p.Revoke}[which]
	err = decide(ctx, c.Operator, address, number, c.Reason)
	var undecided *qualification.DecisionError
	if errors.As(err, &undecided) {
		return undecided
	}
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	fmt.Printf("%s: %sd\n", address, which)
	return nil
}

// verb is the name of a command. main passes it to Run.
type verb string

type qualificationShowCommand struct {
	config.Database
	subject
}

func (c qualificationShowCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	address, mailbox, number, err := c.find(ctx, db.Store)
	if err != nil {
		return err
	}
	h, err := db.History(ctx, mailbox, number)
	if err != nil {
		return err
	}
	if h.Case.Qualification == nil {
		return fmt.Errorf("%s never had a qualification", address)
	}
	return printHistory(os.Stdout, h)
}
