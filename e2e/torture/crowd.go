package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// A crowd is the people of a run: so many at once, each taking the next mailbox
// when the one before is done.
type crowd struct {
	world *world

	mu    sync.Mutex
	next  int
	ends  map[string]int
	under map[*mailbox]string // way, and what is on the screen
}

func newCrowd(w *world) *crowd {
	return &crowd{world: w, ends: map[string]int{}, under: map[*mailbox]string{}}
}

// run has people walk until open ends, and then lets those under way finish,
// until ctx ends.
func (c *crowd) run(ctx, open context.Context) {
	var all sync.WaitGroup
	for n := range c.world.holders {
		all.Go(func() {
			pause(open, time.Duration(n)*c.world.pace) // not all at once
			for open.Err() == nil {
				i, m := c.take()
				if m == nil {
					return
				}
				c.note(m, c.qualify(ctx, i, m))
			}
		})
	}
	all.Wait()
}

func (c *crowd) take() (int, *mailbox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == len(c.world.mailboxes) {
		return 0, nil
	}
	c.next++
	m := c.world.mailboxes[c.next-1]
	c.under[m] = ""
	return c.next - 1, m
}

func (c *crowd) note(m *mailbox, end string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.under, m)
	c.ends[end]++
}

// sees notes what somebody has before their eyes.
func (c *crowd) sees(m *mailbox, page string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.under[m]; there {
		c.under[m] = page
	}
}

// unfinished tells of the walks that are under way.
func (c *crowd) unfinished() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for m, page := range c.under {
		all = append(all, fmt.Sprintf("the walk of %s comes to no end; it is at %q", m.address, page))
	}
	return all
}

// standing returns how many walks ended, and how many are under way.
func (c *crowd) standing() (ended, under int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.ends {
		ended += n
	}
	return ended, len(c.under)
}

// qualify takes one mailbox through the procedure, with everybody who has a
// part in it, and returns how that ended.
func (c *crowd) qualify(ctx context.Context, n int, m *mailbox) string {
	w := c.world
	r := rand.New(rand.NewPCG(w.seed, 100+uint64(n)))
	first := c.newWalk(m, r, fancy(r, w.long()))
	first.enter = first.comeIn
	ctx, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel()
	if first.whims.delegate {
		w.ledger.count("invitations' walks")
		return c.withHolder(ctx, first, n)
	}
	if first.whims.secondBrowser {
		w.ledger.count("second browsers")
		second := c.newWalk(m, rand.New(rand.NewPCG(w.seed, 2e6+uint64(n))), &whims{})
		second.enter = second.comeIn
		others.Go(func() { second.meddle(ctx) })
	}
	end := first.run(ctx)
	if end != "qualified" || !first.whims.revoked {
		return end
	}
	m.loseStar()
	w.operator.revoke(ctx, m)
	again := c.newWalk(m, r, &whims{})
	again.enter = again.comeIn
	return again.run(ctx)
}

// withHolder has a delegate wait for the holder, whose walk is the one that
// counts, unless the delegate becomes one.
func (c *crowd) withHolder(ctx context.Context, delegate *walk, n int) string {
	holder := c.newWalk(delegate.mailbox, rand.New(rand.NewPCG(c.world.seed, 1e6+uint64(n))), fancy(delegate.rand, false))
	holder.whims.delegate, holder.whims.leaves, holder.enter = false, 0, holder.openInvitation
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make(chan string, 2)
	for _, one := range []*walk{delegate, holder} {
		go func() { ends <- one.run(ctx) }()
	}
	end := <-ends
	cancel()
	<-ends
	return end
}

func (c *crowd) newWalk(m *mailbox, r *rand.Rand, whims *whims) *walk {
	b := newBrowser(c.world.site, newAddress(), r, c.world.ledger)
	return &walk{browser: b, crowd: c, world: c.world, mailbox: m, whims: whims, began: time.Now().Add(-time.Second), done: map[string]bool{}}
}

// meddle is somebody with a second browser: they come in, go some steps, and
// leave it at that.
func (w *walk) meddle(ctx context.Context) {
	w.think(ctx, 20*w.world.pace)
	if w.enter(ctx) != nil {
		return
	}
	for range 1 + w.rand.IntN(12) {
		w.think(ctx, 2*w.world.pace)
		if ctx.Err() != nil || w.page.document == nil || w.step(ctx) != nil {
			return
		}
	}
}
