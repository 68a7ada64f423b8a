package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"stella/cmd/stella/config"
	"stella/store"
	"stella/workflow"
)

type sessionCommands struct {
	List sessionListCommand `cmd:"" help:"List the open browser sessions."`
	End  sessionEndCommand  `cmd:"" help:"End browser sessions. The data entered in them are kept."`
}

// sessionFilter selects sessions by mailbox or client.
type sessionFilter struct {
	config.Database
	Mailbox string `placeholder:"ADDRESS" help:"Only those of a certified mailbox."`
	Client  string `placeholder:"NAME" help:"Only those that a client of the API handed over."`
}

// filter looks up the mailbox and the client, so that a misspelled name is an error
// and not an empty list.
func (f sessionFilter) filter(ctx context.Context, db *config.OpenDatabase) (store.SessionFilter, error) {
	chosen := store.SessionFilter{Client: f.Client}
	if f.Mailbox != "" {
		m, err := mailboxOf(ctx, db.Store, f.Mailbox)
		if err != nil {
			return chosen, err
		}
		chosen.Mailbox = m
	}
	if f.Client == "" {
		return chosen, nil
	}
	clients, err := db.Clients(ctx)
	if err != nil {
		return chosen, err
	}
	for _, c := range clients {
		if c.Name == f.Client {
			return chosen, nil
		}
	}
	return chosen, describeClientError(f.Client, workflow.ErrUnknown)
}

type sessionListCommand struct{ sessionFilter }

func (c sessionListCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	chosen, err := c.filter(ctx, db)
	if err != nil {
		return err
	}
	all, err := db.LastingSessions(ctx, chosen, time.Now())
	if err != nil {
		return err
	}
	t := newTable(os.Stdout)
	t.row("SESSION", "MAILBOX", "ENTERED BY", "USER", "SINCE", "UNTIL")
	for _, s := range all {
		by := s.Visitor.Client
		if s.Visitor.Invited() {
			by = "invitation"
		}
		t.row(s.ID, s.Mailbox, by, cmp.Or(s.Visitor.User, "-"), formatTime(s.OpenedAt), formatTime(s.ExpiresAt))
	}
	return t.flush()
}

type sessionEndCommand struct {
	sessionFilter
	ID string `arg:"" optional:"" name:"session" help:"The session's ID, as \"stella session list\" prints it."`
}

func (c sessionEndCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	if c.ID == "" && c.Mailbox == "" && c.Client == "" {
		return errors.New("name a session, or a --mailbox or --client whose sessions to end")
	}
	chosen, err := c.filter(ctx, db)
	if err != nil {
		return err
	}
	chosen.ID = c.ID
	ended, err := db.EndSessions(ctx, chosen, workflow.SessionByOperator, time.Now())
	if err != nil {
		return err
	}
	if ended == 0 && c.ID != "" {
		return fmt.Errorf("no session %s is open: see \"stella session list\"", c.ID)
	}
	fmt.Printf("sessions ended: %d\n", ended)
	return nil
}
