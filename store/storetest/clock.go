package storetest

import (
	"os"
	"sync"
	"time"
)

// Rome is the time zone of times in pages, mails and command output.
var Rome = func() *time.Location {
	l, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return l
}()

// Clock is the only source of time of a World. It is stopped until a test advances
// it, or until Follow makes it run.
type Clock struct {
	mu    sync.Mutex
	base  func() time.Time
	ahead time.Duration
}

// firstDay is the date of a new clock. scripts/test-later sets another date with
// STELLA_TEST_DAY.
const firstDay = "2026-11-21"

// NewClock returns a clock that is stopped at noon in Rome.
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

// Now returns the time of the clock, in UTC while it is stopped.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base().Add(c.ahead)
}

// RomeIn returns the time of the clock plus d, in the time zone of Rome, as pages
// and commands print it.
func (c *Clock) RomeIn(d time.Duration) time.Time { return c.Now().Add(d).In(Rome) }

// Advance moves the clock forward by d, or backward if d is negative.
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

// Follow makes the clock show the machine's time from now on.
func (c *Clock) Follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.ahead = time.Now, 0
}
