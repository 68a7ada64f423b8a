package main

import (
	"context"
	"strings"
	"time"
)

// An operator decides the cases that nobody on record may settle, and takes
// stars away, by the program's own commands.
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

// revoke takes a star away, and returns when that is done.
func (o *operator) revoke(ctx context.Context, m *mailbox) {
	done := make(chan struct{})
	o.orders <- order{mailbox: m, verb: "revoke", done: done}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// work settles one order after another, each until it is settled.
func (o *operator) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-o.orders:
			for ctx.Err() == nil && !o.settle(ctx, next) {
				pause(ctx, time.Second)
			}
			close(next.done)
		}
	}
}

// settle runs the command. It may have been settled by a former try whose end
// was not told, which the command then says.
func (o *operator) settle(ctx context.Context, next order) bool {
	_, err := o.world.stella(ctx, "qualification", next.verb, next.mailbox.address, "--reason", "documento esaminato")
	if err != nil {
		return strings.Contains(err.Error(), "cannot be")
	}
	o.world.ledger.count("decisions of the operator")
	return true
}
