package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// A load is the people of a run. The number at the same time is constant: when a
// procedure has ended, the person begins with the next mailbox.
type load struct {
	world *world

	mu     sync.Mutex
	next   int                 // index of the next mailbox
	ends   map[string]int      // ended procedures by how they ended
	active map[*mailbox]string // the active ones, and the page that is shown
}

func newLoad(w *world) *load {
	return &load{world: w, ends: map[string]int{}, active: map[*mailbox]string{}}
}

// run starts procedures until open ends. Then it waits for the active ones until
// ctx ends.
func (l *load) run(ctx, open context.Context) {
	var all sync.WaitGroup
	for n := range l.world.holders {
		all.Go(func() {
			pause(open, time.Duration(n)*l.world.pace) // not all at once
			for open.Err() == nil {
				i, m := l.nextMailbox()
				if m == nil {
					return
				}
				l.ended(m, l.qualify(ctx, i, m))
			}
		})
	}
	all.Wait()
}

func (l *load) nextMailbox() (int, *mailbox) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == len(l.world.mailboxes) {
		return 0, nil
	}
	l.next++
	m := l.world.mailboxes[l.next-1]
	l.active[m] = ""
	return l.next - 1, m
}

func (l *load) ended(m *mailbox, end string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.active, m)
	l.ends[end]++
}

// setPage records the page that is shown for an active mailbox.
func (l *load) setPage(m *mailbox, page string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.active[m]; there {
		l.active[m] = page
	}
}

// unfinished returns a line for each active procedure.
func (l *load) unfinished() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for m, page := range l.active {
		all = append(all, fmt.Sprintf("the procedure of %s does not end; its page is %q", m.address, page))
	}
	return all
}

// progress returns how many procedures have ended, and how many are active.
func (l *load) progress() (ended, active int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.ends {
		ended += n
	}
	return ended, len(l.active)
}

// qualify runs the procedure for one mailbox, with all people who take part in it,
// and returns how it ended.
func (l *load) qualify(ctx context.Context, n int, m *mailbox) string {
	w := l.world
	r := rand.New(rand.NewPCG(w.seed, 100+uint64(n)))
	first := l.newScenario(m, r, randomBehaviour(r, w.long()))
	first.enter = first.enterFromWebmail
	ctx, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel()
	if first.behaviour.delegate {
		w.recorder.count("procedures with an invitation")
		return l.withHolder(ctx, first, n)
	}
	if first.behaviour.secondBrowser {
		w.recorder.count("second browsers")
		second := l.newScenario(m, rand.New(rand.NewPCG(w.seed, 2e6+uint64(n))), &behaviour{})
		second.enter = second.enterFromWebmail
		others.Go(func() { second.interfere(ctx) })
	}
	end := first.run(ctx)
	if end != "qualified" || !first.behaviour.revoked {
		return end
	}
	m.loseStar()
	w.operator.revoke(ctx, m)
	again := l.newScenario(m, r, &behaviour{})
	again.enter = again.enterFromWebmail
	return again.run(ctx)
}

// withHolder runs the scenarios of a delegate and of the invited holder. The first
// one that ends gives the result.
func (l *load) withHolder(ctx context.Context, delegate *scenario, n int) string {
	holder := l.newScenario(delegate.mailbox, rand.New(rand.NewPCG(l.world.seed, 1e6+uint64(n))), randomBehaviour(delegate.rand, false))
	holder.behaviour.delegate, holder.behaviour.leaves, holder.enter = false, 0, holder.openInvitation
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make(chan string, 2)
	for _, one := range []*scenario{delegate, holder} {
		go func() { ends <- one.run(ctx) }()
	}
	end := <-ends
	cancel()
	<-ends
	return end
}

func (l *load) newScenario(m *mailbox, r *rand.Rand, behaviour *behaviour) *scenario {
	b := newBrowser(l.world.site, newAddress(), r, l.world.recorder)
	return &scenario{
		browser:   b,
		load:      l,
		world:     l.world,
		mailbox:   m,
		behaviour: behaviour,
		began:     time.Now().Add(-time.Second),
		done:      map[string]bool{},
	}
}

// interfere is a scenario in a second browser: it enters, makes some steps, and
// stops.
func (w *scenario) interfere(ctx context.Context) {
	w.think(ctx, 20*w.world.pace)
	if w.enter(ctx) != nil {
		return
	}
	for range 1 + w.rand.IntN(12) {
		w.think(ctx, 2*w.world.pace)
		if ctx.Err() != nil || w.Document == nil || w.step(ctx) != nil {
			return
		}
	}
}
