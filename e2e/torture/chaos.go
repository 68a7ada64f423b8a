package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Chaos deals blows to the parts of a world. What, when and for how long is
// decided before it begins, from the seed alone; two blows at the same part
// follow each other, and at different parts they may fall together.
type chaos struct {
	world  *world
	rand   *rand.Rand
	scale  float64 // of all spans
	blows  []*blow
	dealt  sync.WaitGroup
	locks  map[string]*sync.Mutex // by part
	mu     sync.Mutex
	struck []strike
}

// A blow is dealt at a time after the beginning, and lasts for a span.
type blow struct {
	kind
	at, span time.Duration
}

// A strike is a blow that hit.
type strike struct {
	*blow
	from, to time.Time
}

// plan decides all blows of a run: every kind of kill once, in any order, and
// then as the cards are shuffled; about so often.
func (w *world) plan(length, every time.Duration, scale float64) *chaos {
	c := &chaos{world: w, rand: rand.New(rand.NewPCG(w.seed, 2)), scale: scale, locks: map[string]*sync.Mutex{}}
	kinds := c.kinds()
	deck := slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return !k.kill })
	c.shuffle(deck)
	for at := every; at < length; at += time.Duration((0.3 + 1.4*c.rand.Float64()) * float64(every)) {
		if len(deck) == 0 {
			for _, k := range kinds {
				deck = append(deck, slices.Repeat([]kind{k}, k.weight)...)
			}
			c.shuffle(deck)
		}
		c.blows = append(c.blows, &blow{kind: deck[0], at: at, span: c.span(deck[0])})
		deck = deck[1:]
	}
	if w.outage > 0 && w.outage < length/2 {
		away := c.away(w.outage)
		away.at = length / 3
		c.blows = append(c.blows, away)
	}
	for _, b := range c.blows {
		if c.locks[b.part] == nil {
			c.locks[b.part] = new(sync.Mutex)
		}
	}
	return c
}

func (c *chaos) shuffle(deck []kind) {
	c.rand.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
}

// run deals the blows until ctx ends, and returns when what they broke off is
// mended.
func (c *chaos) run(ctx context.Context) {
	began := time.Now()
	for _, b := range c.blows {
		c.dealt.Go(func() {
			pause(ctx, time.Until(began.Add(b.at)))
			lock := c.locks[b.part]
			lock.Lock()
			defer lock.Unlock()
			if ctx.Err() == nil {
				c.strike(ctx, b)
			}
		})
	}
	c.dealt.Wait()
}

func (c *chaos) strike(ctx context.Context, b *blow) {
	c.mu.Lock()
	n := len(c.struck)
	c.struck = append(c.struck, strike{blow: b, from: time.Now(), to: time.Now().Add(time.Hour)})
	c.mu.Unlock()
	hit := b.deal(ctx, b.span)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.struck[n].to = time.Now()
	if !hit {
		c.struck[n].blow = &blow{kind: kind{what: b.what + ", which was down"}}
	}
}

// strikes returns what hit so far.
func (c *chaos) strikes() []strike {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]strike(nil), c.struck...)
}

// kills returns how many processes were killed so far, and how many other blows
// were dealt.
func (c *chaos) kills() (kills, others int) {
	for _, s := range c.strikes() {
		if s.kill {
			kills++
		} else {
			others++
		}
	}
	return kills, others
}

// span draws how long a blow lasts.
func (c *chaos) span(k kind) time.Duration {
	ms := float64(k.least) + c.rand.Float64()*float64(k.most-k.least)
	return (time.Duration(ms*c.scale) * time.Millisecond).Round(time.Millisecond)
}

// away has PostgreSQL down for so long.
func (c *chaos) away(span time.Duration) *blow {
	return &blow{span: span, kind: kind{what: "PostgreSQL is away", part: "postgres", kill: true, senders: 2 * sendersPerInstance, deal: c.crash(syscall.SIGKILL)}}
}
