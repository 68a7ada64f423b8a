package storetest

import (
	"os"
	"sync"
	"time"
)

// Rome is the zone of the times that people read.
var Rome = func() *time.Location {
	l, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return l
}()

// Clock is the clock of a world: its only source of time. It stands still until
// a test advances it, or until it follows the machine's clock.
type Clock struct {
	mu    sync.Mutex
	base  func() time.Time
	ahead time.Duration
}

// firstDay is the day of a new clock. scripts/test-later sets another one.
const firstDay = "2026-11-21"

// NewClock returns a clock that stands at noon in Rome.
func NewClock() *Clock {
	day := os.Getenv("STELLA_TEST_DAY")
	if day == "" {
		day = firstDay
	}
	noon, err := time.ParseInLocation("2006-01-02 15", day+" 12", Rome)
	if err != nil {
		panic(err)
	}
	return &Clock{base: noon.UTC}
}

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base().Add(c.ahead)
}

// RomeIn returns what the clock shows after d, as the time in Rome: what a page or
// a command says is derived from it.
func (c *Clock) RomeIn(d time.Duration) time.Time { return c.Now().Add(d).In(Rome) }

// Advance sets the clock forward, or backward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// Set stops the clock at a time.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.ahead = at.UTC, 0
}

// Follow makes the clock run with the machine's, from now on and at its time.
func (c *Clock) Follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.ahead = time.Now, 0
}
