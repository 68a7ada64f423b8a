package main

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// kinds lists the blows that can be dealt.
func (c *chaos) kinds() []kind {
	w := c.world
	both := 2 * sendersPerInstance
	all := []kind{
		{2, func() *blow {
			rest := c.span(50, 3000)
			return &blow{what: fmt.Sprintf("kill -9 PostgreSQL, down for %v", rest), part: "postgres", kill: true, senders: both,
				deal: func(ctx context.Context) bool { return c.crash(ctx, syscall.SIGKILL, rest) }}
		}},
		{1, func() *blow {
			rest := c.span(50, 3000)
			return &blow{what: fmt.Sprintf("stop PostgreSQL at once, down for %v", rest), part: "postgres", kill: true, senders: both,
				deal: func(ctx context.Context) bool { return c.crash(ctx, syscall.SIGQUIT, rest) }}
		}},
		{1, func() *blow {
			return &blow{what: "kill -9 one of PostgreSQL's processes", part: "postgres", kill: true, senders: both,
				deal: func(ctx context.Context) bool { return w.database.crashBackend(ctx) == nil }}
		}},
		{3, func() *blow {
			rest := c.span(50, 4000)
			return &blow{what: fmt.Sprintf("kill -9 the relay, down for %v", rest), part: "relay", kill: true, senders: both,
				deal: func(ctx context.Context) bool { return c.fell(ctx, w.relay, syscall.SIGKILL, rest) }}
		}},
		{2, func() *blow {
			rest := c.span(50, 2000)
			return &blow{what: fmt.Sprintf("the relay falls with a mail it has not said yes to, down for %v", rest), part: "relay", kill: true, senders: both,
				deal: func(ctx context.Context) bool { return c.fallWithMail(ctx, rest) }}
		}},
		{1, func() *blow {
			span := c.span(500, 8000)
			return &blow{what: fmt.Sprintf("the relay says later for %v", span), part: "relay's answers",
				deal: func(ctx context.Context) bool { return c.mood(ctx, busy, span) }}
		}},
	}
	for _, i := range w.instances {
		all = append(all, c.instanceKinds(i)...)
		for _, k := range append(i.toDatabase, i.toRelay) {
			all = append(all, c.linkKinds(k)...)
		}
	}
	return all
}

func (c *chaos) instanceKinds(i *instance) []kind {
	all := []kind{
		{3, func() *blow {
			rest := c.span(50, 4000)
			return &blow{what: fmt.Sprintf("kill -9 %s, down for %v", i.name, rest), part: i.name, kill: true, senders: sendersPerInstance,
				deal: func(ctx context.Context) bool { return c.fell(ctx, &i.daemon, syscall.SIGKILL, rest) }}
		}},
		{1, func() *blow {
			rest := c.span(50, 1000)
			return &blow{what: "stop " + i.name + " in order", part: i.name,
				deal: func(ctx context.Context) bool { return c.fell(ctx, &i.daemon, syscall.SIGTERM, rest) }}
		}},
		{1, func() *blow {
			span := c.span(500, 10000)
			return &blow{what: fmt.Sprintf("freeze %s for %v", i.name, span), part: i.name, senders: sendersPerInstance,
				deal: func(ctx context.Context) bool { return i.freeze(ctx, span) }}
		}},
		{1, func() *blow {
			rest, silence := c.span(500, 4000), c.span(10000, 40000)
			return &blow{what: fmt.Sprintf("%s loses its power, down for %v", i.name, rest), part: i.name, kill: true, senders: sendersPerInstance,
				deal: func(ctx context.Context) bool { return c.losePower(ctx, i, rest, silence) }}
		}},
	}
	if c.world.long() { // it takes most of a minute until these mails are sent again
		all = append(all, kind{2, func() *blow {
			rest := c.span(50, 2000)
			return &blow{what: fmt.Sprintf("kill -9 %s while the relay keeps its yes to itself, down for %v", i.name, rest), part: i.name, kill: true,
				senders: sendersPerInstance, deal: func(ctx context.Context) bool { return c.fellSending(ctx, i, rest) }}
		}})
	}
	return all
}

func (c *chaos) linkKinds(k *link) []kind {
	always := func(do func(context.Context)) func(context.Context) bool {
		return func(ctx context.Context) bool {
			do(ctx)
			return true
		}
	}
	return []kind{
		{1, func() *blow {
			return &blow{what: "cut " + k.name, part: k.name, senders: sendersPerInstance, deal: always(func(context.Context) { k.cut() })}
		}},
		{1, func() *blow {
			span := c.span(200, 6000)
			return &blow{what: fmt.Sprintf("hold up %s for %v", k.name, span), part: k.name, senders: sendersPerInstance,
				deal: always(func(ctx context.Context) { k.stall(ctx, span) })}
		}},
		{1, func() *blow {
			span := c.span(100, 1500)
			return &blow{what: fmt.Sprintf("swallow answers from %s for %v, and cut", k.name, span), part: k.name, senders: sendersPerInstance,
				deal: always(func(ctx context.Context) { k.deafen(ctx, span) })}
		}},
		{1, func() *blow {
			span, delay := c.span(1000, 8000), c.span(10, 150)
			return &blow{what: fmt.Sprintf("slow down %s for %v, by %v", k.name, span, delay), part: k.name, senders: sendersPerInstance,
				deal: always(func(ctx context.Context) { k.slow(ctx, span, delay) })}
		}},
		{1, func() *blow {
			span := c.span(10000, 40000)
			return &blow{what: fmt.Sprintf("forget the connections of %s, for %v", k.name, span), part: k.name + "'s memory", senders: sendersPerInstance,
				deal: always(func(ctx context.Context) {
					tell := k.forget()
					pause(ctx, span)
					tell()
				})}
		}},
	}
}

// fell ends a daemon, and returns when it is there again.
func (c *chaos) fell(ctx context.Context, d *daemon, s syscall.Signal, rest time.Duration) bool {
	return c.raise(ctx, d, d.strike(s, rest), rest)
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
// said so: they will be sent again.
func (c *chaos) fellSending(ctx context.Context, i *instance, rest time.Duration) bool {
	c.mood(ctx, waiting, wait)
	return c.fell(ctx, &i.daemon, syscall.SIGKILL, rest)
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
		return c.fell(ctx, d, syscall.SIGKILL, rest)
	case <-ctx.Done():
		falling.set(c.world.inbox.dir, false)
	}
	return c.raise(ctx, d, gone, rest)
}

// losePower kills an instance whose connections nobody ends for it: the others
// wait for its word until they are told, a while later.
func (c *chaos) losePower(ctx context.Context, i *instance, rest, silence time.Duration) bool {
	for _, k := range append(i.toDatabase, i.toRelay) {
		tell := k.forget()
		c.dealt.Go(func() {
			pause(ctx, silence)
			tell()
		})
	}
	return c.fell(ctx, &i.daemon, syscall.SIGKILL, rest)
}

// mood puts the relay into a mood for a while.
func (c *chaos) mood(ctx context.Context, m mood, span time.Duration) bool {
	if m.set(c.world.inbox.dir, true) != nil {
		return false
	}
	pause(ctx, span)
	return m.set(c.world.inbox.dir, false) == nil
}
