package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// A ledger is what people outside Stella know: what they were answered and
// shown, and what went wrong before their eyes. At the end it is held against
// the database.
type ledger struct {
	mu       sync.Mutex
	seen     map[stepID]sighting
	tried    map[stepID]map[string]bool // the events that forms of a version could fire
	answered map[answer]int
	said     map[string]string // what was said of it, by secret
	lies     map[string]int    // and how often
	counts   map[string]int
	trouble  []time.Time // when a page failed
	troubles map[string]int
	slowest  time.Duration
	slower   [len(slow)]int // than each of slow
}

// A stepID names a step by its qualification and its version.
type stepID struct {
	qualification string
	version       int
}

// A sighting is a page that was shown: the state it stands for was committed.
type sighting struct {
	state string
	at    time.Time
}

// An answer is one that says that a step was made. A version of zero stands for
// any: the form was not bound to one.
type answer struct {
	stepID
	event string
}

func newLedger() *ledger {
	return &ledger{seen: map[stepID]sighting{}, tried: map[stepID]map[string]bool{}, answered: map[answer]int{},
		said: map[string]string{}, lies: map[string]int{}, counts: map[string]int{}, troubles: map[string]int{}}
}

// show notes that a page was shown for a version. An empty state means that the
// page does not tell it.
func (l *ledger) show(id stepID, state string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, known := l.seen[id]
	switch {
	case !known, was.state == "":
		l.seen[id] = sighting{state, time.Now()}
	case state != "" && was.state != state:
		l.lies[fmt.Sprintf("version %d of %s was shown as %s and as %s", id.version, id.qualification, was.state, state)]++
	}
}

// try notes that a form is sent which can fire an event.
func (l *ledger) try(id stepID, event string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tried[id] == nil {
		l.tried[id] = map[string]bool{}
	}
	l.tried[id][event] = true
}

// hold notes that a step was answered.
func (l *ledger) hold(id stepID, event string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered[answer{id, event}]++
}

// lie notes something untrue that people were told, or that happened to them.
func (l *ledger) lie(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lies[fmt.Sprintf(format, args...)]++
}

// secret notes something that must be found nowhere.
func (l *ledger) secret(value, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said[value] = what
}

func (l *ledger) count(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[what]++
}

// fail notes a page that was not what was asked for.
func (l *ledger) fail(how string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trouble = append(l.trouble, time.Now())
	l.troubles[how]++
}

// waited notes how long somebody waited for an answer.
func (l *ledger) waited(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowest = max(l.slowest, d)
	for i, limit := range slow {
		if d > limit {
			l.slower[i]++
		}
	}
}

// slow are the waits that are counted.
var slow = [...]time.Duration{time.Second, 5 * time.Second, 10 * time.Second}

// counted returns a count.
func (l *ledger) counted(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[what]
}

// steps returns how many steps were answered, and how many pages failed.
func (l *ledger) steps() (answered, failed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.answered {
		answered += n
	}
	return answered, len(l.trouble)
}

// failedSince returns how many pages failed after a time.
func (l *ledger) failedSince(t time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, at := range l.trouble {
		if at.After(t) {
			n++
		}
	}
	return n
}

// secrets returns everything that must be found nowhere.
func (l *ledger) secrets() secrets {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.said)
}

// ofTrouble lists how pages failed, as people would tell it.
func (l *ledger) ofTrouble() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return tally(l.troubles)
}

// ofLies lists what was not so.
func (l *ledger) ofLies() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return tally(l.lies)
}

func tally(counts map[string]int) (all []string) {
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, fmt.Sprintf("%s ×%d", what, counts[what]))
	}
	return all
}
