package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"
)

// An injector injects faults into the parts of a world. The schedule depends only
// on the seed. Faults of the same part do not overlap; faults of different parts
// can overlap.
type injector struct {
	world    *world
	rand     *rand.Rand
	scale    float64 // factor for all durations
	faults   []*fault
	running  sync.WaitGroup
	locks    map[string]*sync.Mutex // by part
	mu       sync.Mutex
	injected []injection
}

// A fault is a scheduled fault. The time at is counted from the beginning.
type fault struct {
	faultKind
	at, span time.Duration
}

// An injection is a fault that was injected.
type injection struct {
	*fault
	from, to time.Time
}

// plan returns an injector with the faults of a run. It begins with every kind of
// kill once, in random order. Then it draws from a shuffled deck that contains each
// kind as often as its weight. every is the average time between two faults.
func (w *world) plan(length, every time.Duration, scale float64) *injector {
	c := &injector{world: w, rand: rand.New(rand.NewPCG(w.seed, 2)), scale: scale, locks: map[string]*sync.Mutex{}}
	kinds := c.kinds()
	deck := slices.DeleteFunc(slices.Clone(kinds), func(k faultKind) bool { return !k.kill })
	c.shuffle(deck)
	for at := every; at < length; at += time.Duration((0.3 + 1.4*c.rand.Float64()) * float64(every)) {
		if len(deck) == 0 {
			for _, k := range kinds {
				deck = append(deck, slices.Repeat([]faultKind{k}, k.weight)...)
			}
			c.shuffle(deck)
		}
		c.faults = append(c.faults, &fault{faultKind: deck[0], at: at, span: c.span(deck[0])})
		deck = deck[1:]
	}
	if w.outage > 0 && w.outage < length/2 {
		outage := c.outage(w.outage)
		outage.at = length / 3
		c.faults = append(c.faults, outage)
	}
	for _, f := range c.faults {
		if c.locks[f.part] == nil {
			c.locks[f.part] = new(sync.Mutex)
		}
	}
	return c
}

func (c *injector) shuffle(deck []faultKind) {
	c.rand.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
}

// run injects the faults until ctx ends. It returns when every action has ended.
func (c *injector) run(ctx context.Context) {
	began := time.Now()
	for _, f := range c.faults {
		c.running.Go(func() {
			pause(ctx, time.Until(began.Add(f.at)))
			lock := c.locks[f.part]
			lock.Lock()
			defer lock.Unlock()
			if ctx.Err() == nil {
				c.inject(ctx, f)
			}
		})
	}
	c.running.Wait()
}

// inject injects one fault and records it.
func (c *injector) inject(ctx context.Context, f *fault) {
	c.mu.Lock()
	n := len(c.injected)
	c.injected = append(c.injected, injection{fault: f, from: time.Now(), to: time.Now().Add(time.Hour)})
	c.mu.Unlock()
	hit := f.action(ctx, f.span)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.injected[n].to = time.Now()
	if !hit {
		c.injected[n].fault = &fault{faultKind: faultKind{what: f.what + ", which was down"}}
	}
}

// injections returns the faults that were injected so far.
func (c *injector) injections() []injection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]injection(nil), c.injected...)
}

// kills returns how many processes were killed so far, and how many other faults
// were injected.
func (c *injector) kills() (kills, others int) {
	for _, s := range c.injections() {
		if s.kill {
			kills++
		} else {
			others++
		}
	}
	return kills, others
}

// span returns a random duration for a fault.
func (c *injector) span(k faultKind) time.Duration {
	ms := float64(k.least) + c.rand.Float64()*float64(k.most-k.least)
	return (time.Duration(ms*c.scale) * time.Millisecond).Round(time.Millisecond)
}

// outage returns a fault that stops PostgreSQL for the given time.
func (c *injector) outage(span time.Duration) *fault {
	return &fault{span: span, faultKind: faultKind{
		what: "PostgreSQL is unavailable", part: "postgres", kill: true, senders: 2 * sendersPerInstance, action: c.crash(syscall.SIGKILL),
	}}
}
