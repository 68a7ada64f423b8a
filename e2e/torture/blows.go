package main

import (
	"context"
	"syscall"
	"time"
)

// A kind of blow: what it is, and what is left to chance.
type kind struct {
	weight      int    // how often it is dealt, among the others
	what        string // is done
	part        string // it falls on
	kill        bool   // a process is killed with no warning
	senders     int    // of mails that it may hit in the act
	least, most int    // milliseconds that it lasts, or that the part stays down
	deal        deed
}

// A deed does it, and reports whether it hit anything.
type deed func(ctx context.Context, span time.Duration) bool

// sendersPerInstance is how many mails an instance sends at once: 16 codes, 4
// other mails and 4 to certified mailboxes (package mail, lanes.go).
const sendersPerInstance = 16 + 4 + 4

// kinds lists the blows that can be dealt.
func (c *chaos) kinds() []kind {
	const both = 2 * sendersPerInstance
	w := c.world
	all := []kind{
		{2, "kill -9 PostgreSQL", "postgres", true, both, 50, 3000, c.crash(syscall.SIGKILL)},
		{1, "stop PostgreSQL at once", "postgres", true, both, 50, 3000, c.crash(syscall.SIGQUIT)},
		{1, "kill -9 one of PostgreSQL's processes", "postgres", true, both, 0, 0, c.crashBackend},
		{3, "kill -9 the relay", "relay", true, both, 50, 4000, c.fell(w.relay, syscall.SIGKILL)},
		{2, "the relay falls with a mail it has not said yes to", "relay", true, both, 50, 2000, c.fallWithMail},
		{1, "the relay says later", "relay's answers", false, 0, 500, 8000, c.mood(busy)},
	}
	for _, i := range w.instances {
		all = append(all, c.instanceKinds(i)...)
		for _, k := range i.links() {
			all = append(all, linkKinds(k)...)
		}
	}
	return all
}

func (c *chaos) instanceKinds(i *instance) []kind {
	const senders = sendersPerInstance
	all := []kind{
		{3, "kill -9 " + i.name, i.name, true, senders, 50, 4000, c.fell(&i.daemon, syscall.SIGKILL)},
		{1, "stop " + i.name + " in order", i.name, false, 0, 50, 1000, c.fell(&i.daemon, syscall.SIGTERM)},
		{1, "freeze " + i.name, i.name, false, senders, 500, 10000, i.freeze},
		{1, i.name + " loses its power", i.name, true, senders, 500, 4000, c.losePower(i)},
	}
	if c.world.long() { // it takes most of a minute until these mails are sent again
		all = append(all, kind{2, "kill -9 " + i.name + " while the relay keeps its yes to itself", i.name, true, senders, 50, 2000, c.fellSending(i)})
	}
	return all
}

func linkKinds(k *link) []kind {
	const senders = sendersPerInstance
	return []kind{
		{1, "cut " + k.name, k.name, false, senders, 0, 0, always(func(context.Context, time.Duration) { k.cut() })},
		{1, "hold up " + k.name, k.name, false, senders, 200, 6000, always(k.stall)},
		{1, "swallow answers from " + k.name + ", and cut", k.name, false, senders, 100, 1500, always(k.deafen)},
		{1, "slow down " + k.name, k.name, false, senders, 1000, 8000, always(k.slow)},
		{1, "forget the connections of " + k.name, k.name + "'s memory", false, senders, 10000, 40000, always(func(ctx context.Context, span time.Duration) {
			tell := k.forget()
			pause(ctx, span)
			tell()
		})},
	}
}

// always is a deed that cannot miss.
func always(do func(context.Context, time.Duration)) deed {
	return func(ctx context.Context, span time.Duration) bool {
		do(ctx, span)
		return true
	}
}

// crash ends PostgreSQL with a signal.
func (c *chaos) crash(s syscall.Signal) deed {
	return func(ctx context.Context, rest time.Duration) bool {
		err := c.world.database.crash(ctx, s, rest)
		if err != nil {
			c.world.ledger.lie("PostgreSQL does not come back: %v", err)
		}
		return err == nil
	}
}

func (c *chaos) crashBackend(ctx context.Context, _ time.Duration) bool {
	return c.world.database.crashBackend(ctx) == nil
}

// fell ends a daemon with a signal.
func (c *chaos) fell(d *daemon, s syscall.Signal) deed {
	return func(ctx context.Context, rest time.Duration) bool {
		return c.raise(ctx, d, d.strike(s, rest), rest)
	}
}

// raise waits until a daemon has fallen, and is there again.
func (c *chaos) raise(ctx context.Context, d *daemon, gone <-chan struct{}, rest time.Duration) bool {
	if gone == nil {
		return false
	}
	select {
	case <-gone:
	case <-ctx.Done():
	}
	pause(ctx, rest)
	d.await(ctx)
	return true
}

// fellSending kills an instance whose mails the relay has taken, and not yet
// said so: they are sent again.
func (c *chaos) fellSending(i *instance) deed {
	return func(ctx context.Context, rest time.Duration) bool {
		c.mood(waiting)(ctx, wait)
		return c.fell(&i.daemon, syscall.SIGKILL)(ctx, rest)
	}
}

// fallWithMail has the relay fall at the next mail, when it has that on disk.
func (c *chaos) fallWithMail(ctx context.Context, rest time.Duration) bool {
	d := c.world.relay
	gone := d.expect(rest)
	if gone == nil || falling.set(c.world.inbox.dir, true) != nil {
		return false
	}
	select {
	case <-gone:
	case <-time.After(3 * time.Second): // nobody wrote
		falling.set(c.world.inbox.dir, false)
		return c.fell(d, syscall.SIGKILL)(ctx, rest)
	case <-ctx.Done():
		falling.set(c.world.inbox.dir, false)
	}
	return c.raise(ctx, d, gone, rest)
}

// losePower kills an instance whose connections nobody ends for it: the others
// wait for its word until they are told, long after it is there again.
func (c *chaos) losePower(i *instance) deed {
	return func(ctx context.Context, rest time.Duration) bool {
		for _, k := range i.links() {
			tell := k.forget()
			c.dealt.Go(func() {
				pause(ctx, 10*rest)
				tell()
			})
		}
		return c.fell(&i.daemon, syscall.SIGKILL)(ctx, rest)
	}
}

// mood puts the relay into a mood for a while.
func (c *chaos) mood(m mood) deed {
	return func(ctx context.Context, span time.Duration) bool {
		if m.set(c.world.inbox.dir, true) != nil {
			return false
		}
		pause(ctx, span)
		return m.set(c.world.inbox.dir, false) == nil
	}
}
