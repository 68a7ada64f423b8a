package main

import (
	"context"
	"syscall"
	"time"
)

// A faultKind describes a kind of fault and the range of its duration.
type faultKind struct {
	weight      int    // relative frequency
	what        string // for the report
	part        string // affected part; faults of the same part do not overlap
	kill        bool   // kills a process without warning
	senders     int    // number of mail senders that it can interrupt
	least, most int    // duration in milliseconds, or how long the part stays down
	action      action
}

// An action injects a fault for a time span. It returns false if the part was down.
type action func(ctx context.Context, span time.Duration) bool

// sendersPerInstance is the number of mails that an instance sends at the same
// time: 16 codes, 4 other mails and 4 to certified mailboxes (mail/queues.go).
const sendersPerInstance = 16 + 4 + 4

// kinds returns all kinds of faults.
func (c *injector) kinds() []faultKind {
	const both = 2 * sendersPerInstance
	w := c.world
	all := []faultKind{
		{2, "kill -9 PostgreSQL", "postgres", true, both, 50, 3000, c.crash(syscall.SIGKILL)},
		{1, "stop PostgreSQL without a checkpoint", "postgres", true, both, 50, 3000, c.crash(syscall.SIGQUIT)},
		{1, "kill -9 a backend process of PostgreSQL", "postgres", true, both, 0, 0, c.crashBackend},
		{3, "kill -9 the relay", "relay", true, both, 50, 4000, c.kill(w.relay, syscall.SIGKILL)},
		{2, "kill -9 the relay after it has read a mail and before it accepts it", "relay", true, both, 50, 2000, c.killWithMail},
		{1, "the relay answers \"later\"", "relay's answers", false, 0, 500, 8000, c.setRelayMode(busy)},
	}
	for _, i := range w.instances {
		all = append(all, c.instanceKinds(i)...)
		for _, k := range i.links() {
			all = append(all, linkKinds(k)...)
		}
	}
	return all
}

func (c *injector) instanceKinds(i *instance) []faultKind {
	const senders = sendersPerInstance
	all := []faultKind{
		{3, "kill -9 " + i.name, i.name, true, senders, 50, 4000, c.kill(&i.daemon, syscall.SIGKILL)},
		{1, "stop " + i.name + " (graceful shutdown)", i.name, false, 0, 50, 1000, c.kill(&i.daemon, syscall.SIGTERM)},
		{1, "freeze " + i.name, i.name, false, senders, 500, 10000, i.freeze},
		{1, "power loss of " + i.name, i.name, true, senders, 500, 4000, c.losePower(i)},
	}
	if c.world.long() { // these mails are repeated after almost a minute
		what := "kill -9 " + i.name + " while it waits for the relay to accept a mail"
		all = append(all, faultKind{2, what, i.name, true, senders, 50, 2000, c.killWhileSending(i)})
	}
	return all
}

func linkKinds(k *link) []faultKind {
	const senders = sendersPerInstance
	drop := func(ctx context.Context, span time.Duration) {
		closeAll := k.dropSilently()
		pause(ctx, span)
		closeAll()
	}
	return []faultKind{
		{1, "cut " + k.name, k.name, false, senders, 0, 0, always(func(context.Context, time.Duration) { k.cut() })},
		{1, "stall " + k.name, k.name, false, senders, 200, 6000, always(k.stall)},
		{1, "drop the answers from " + k.name + ", and cut it", k.name, false, senders, 100, 1500, always(k.dropReplies)},
		{1, "slow down " + k.name, k.name, false, senders, 1000, 8000, always(k.slow)},
		{1, "silently drop the connections of " + k.name, k.name + "'s connections", false, senders, 10000, 40000, always(drop)},
	}
}

// always returns an action that returns true.
func always(do func(context.Context, time.Duration)) action {
	return func(ctx context.Context, span time.Duration) bool {
		do(ctx, span)
		return true
	}
}

// crash returns an action that sends a signal to PostgreSQL and restarts it.
func (c *injector) crash(s syscall.Signal) action {
	return func(ctx context.Context, downtime time.Duration) bool {
		err := c.world.database.crash(ctx, s, downtime)
		if err != nil {
			c.world.recorder.violation("PostgreSQL does not start again: %v", err)
		}
		return err == nil
	}
}

func (c *injector) crashBackend(ctx context.Context, _ time.Duration) bool {
	return c.world.database.crashBackend(ctx) == nil
}

// kill returns an action that ends a daemon with a signal.
func (c *injector) kill(d *daemon, s syscall.Signal) action {
	return func(ctx context.Context, downtime time.Duration) bool {
		return c.awaitRestart(ctx, d, d.signal(s, downtime), downtime)
	}
}

// awaitRestart waits until a daemon has exited and works again.
func (c *injector) awaitRestart(ctx context.Context, d *daemon, exited <-chan struct{}, downtime time.Duration) bool {
	if exited == nil {
		return false
	}
	select {
	case <-exited:
	case <-ctx.Done():
	}
	pause(ctx, downtime)
	d.await(ctx)
	return true
}

// killWhileSending returns an action that kills an instance while it waits for the
// relay to accept its mails. These mails are sent again.
func (c *injector) killWhileSending(i *instance) action {
	return func(ctx context.Context, downtime time.Duration) bool {
		c.setRelayMode(waiting)(ctx, replyDelay)
		return c.kill(&i.daemon, syscall.SIGKILL)(ctx, downtime)
	}
}

// killWithMail makes the relay kill itself when it has stored the next mail.
func (c *injector) killWithMail(ctx context.Context, downtime time.Duration) bool {
	d := c.world.relay
	exited := d.expectExit(downtime)
	if exited == nil || crashing.set(c.world.inbox.dir, true) != nil {
		return false
	}
	select {
	case <-exited:
	case <-time.After(3 * time.Second): // there was no mail
		crashing.set(c.world.inbox.dir, false)
		return c.kill(d, syscall.SIGKILL)(ctx, downtime)
	case <-ctx.Done():
		crashing.set(c.world.inbox.dir, false)
	}
	return c.awaitRestart(ctx, d, exited, downtime)
}

// losePower returns an action that kills an instance without closing its
// connections. They are closed long after the instance works again.
func (c *injector) losePower(i *instance) action {
	return func(ctx context.Context, downtime time.Duration) bool {
		for _, k := range i.links() {
			closeAll := k.dropSilently()
			c.running.Go(func() {
				pause(ctx, 10*downtime)
				closeAll()
			})
		}
		return c.kill(&i.daemon, syscall.SIGKILL)(ctx, downtime)
	}
}

// setRelayMode returns an action that sets a mode of the relay for a time span.
func (c *injector) setRelayMode(m relayMode) action {
	return func(ctx context.Context, span time.Duration) bool {
		if m.set(c.world.inbox.dir, true) != nil {
			return false
		}
		pause(ctx, span)
		return m.set(c.world.inbox.dir, false) == nil
	}
}
