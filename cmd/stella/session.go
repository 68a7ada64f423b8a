package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"stella/store"
	"stella/workflow"
)

type sessionCommands struct {
	List sessionListCommand `cmd:"" help:"List the browser sessions that last."`
	End  sessionEndCommand  `cmd:"" help:"End browser sessions; what was entered is kept."`
}

// sessionFilter chooses sessions.
type sessionFilter struct {
	database
	Mailbox string `placeholder:"ADDRESS" help:"Only those of a certified mailbox."`
	Client  string `placeholder:"NAME" help:"Only those that a client of the API handed over."`
}

// open opens the database, and finds in it what is named. The caller closes it.
func (f sessionFilter) open(ctx context.Context) (*opened, store.SessionFilter, error) {
	db, err := f.use(ctx)
	if err != nil {
		return nil, store.SessionFilter{}, err
	}
	chosen, err := f.filter(ctx, db)
	if err != nil {
		db.close()
	}
	return db, chosen, err
}

// filter finds what is named, so that a misspelled name is an error, not an empty
// list.
func (f sessionFilter) filter(ctx context.Context, db *opened) (store.SessionFilter, error) {
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
	return chosen, noClient(f.Client, workflow.ErrUnknown)
}

type sessionListCommand struct{ sessionFilter }

func (c sessionListCommand) Run(ctx context.Context) error {
	db, chosen, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.close()
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
		t.row(s.ID, s.Mailbox, by, cmp.Or(s.Visitor.User, "-"), moment(s.OpenedAt), moment(s.ExpiresAt))
	}
	return t.flush()
}

type sessionEndCommand struct {
	sessionFilter
	ID string `arg:"" optional:"" name:"session" help:"A session, as \"stella session list\" names it."`
}

func (c sessionEndCommand) Run(ctx context.Context) error {
	if c.ID == "" && c.Mailbox == "" && c.Client == "" {
		return errors.New("name a session, a --mailbox or a --client whose sessions are to end")
	}
	db, chosen, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	chosen.ID = c.ID
	ended, err := db.EndSessions(ctx, chosen, workflow.SessionByOperator, time.Now())
	if err != nil {
		return err
	}
	if ended == 0 && c.ID != "" {
		return fmt.Errorf("no session %s lasts: \"stella session list\" lists those that do", c.ID)
	}
	fmt.Printf("sessions ended: %d\n", ended)
	return nil
}
