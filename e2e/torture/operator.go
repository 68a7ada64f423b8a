package main

import (
	"context"
	"strings"
	"time"
)

// An operator decides the cases without a representative on record and revokes
// stars. It uses the commands of the stella program.
type operator struct {
	world  *world
	orders chan order
}

type order struct {
	mailbox *mailbox
	verb    string // approve, refuse, revoke
	done    chan struct{}
}

func (o *operator) decide(m *mailbox, approve bool) {
	verb := "approve"
	if !approve {
		verb = "refuse"
	}
	o.orders <- order{mailbox: m, verb: verb, done: make(chan struct{})}
}

// revoke revokes a star and returns when that is done.
func (o *operator) revoke(ctx context.Context, m *mailbox) {
	done := make(chan struct{})
	o.orders <- order{mailbox: m, verb: "revoke", done: done}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// work executes one order after another. It repeats each until it succeeds.
func (o *operator) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-o.orders:
			for ctx.Err() == nil && !o.run(ctx, next) {
				pause(ctx, time.Second)
			}
			close(next.done)
		}
	}
}

// run runs the command of an order and reports whether the order is done. If an
// earlier attempt succeeded although it failed here, the command returns an error
// that contains "cannot be".
func (o *operator) run(ctx context.Context, next order) bool {
	_, err := o.world.stella(ctx, "qualification", next.verb, next.mailbox.address, "--reason", "documento esaminato")
	if err != nil {
		return strings.Contains(err.Error(), "cannot be")
	}
	o.world.recorder.count("operator decisions")
	return true
}
