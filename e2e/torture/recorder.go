package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// A recorder records what people saw: the steps that were answered, the states that
// were shown, and the pages that failed. At the end of the run this is compared with
// the database.
type recorder struct {
	mu            sync.Mutex
	states        map[stepID]shownState
	attempts      map[stepID]map[string]bool // events that the forms sent for a version can cause
	answered      map[answer]int
	secretValues  map[string]string // descriptions by secret
	violations    map[string]int    // messages and how often they occurred
	counts        map[string]int
	failures      []time.Time // when pages failed
	failureCounts map[string]int
	slowest       time.Duration
	slower        [len(slow)]int // number of answers slower than each element of slow
}

// A stepID identifies a step by its qualification and version.
type stepID struct {
	qualification string
	version       int
}

// A shownState is a state that a page showed. It must have been committed.
type shownState struct {
	state string
	at    time.Time
}

// An answer says that a step was made. Version zero means any version, because the
// form was not bound to one.
type answer struct {
	stepID
	event string
}

func newRecorder() *recorder {
	return &recorder{
		states:        map[stepID]shownState{},
		attempts:      map[stepID]map[string]bool{},
		answered:      map[answer]int{},
		secretValues:  map[string]string{},
		violations:    map[string]int{},
		counts:        map[string]int{},
		failureCounts: map[string]int{},
	}
}

// recordState records that a page was shown for a version. The state is "" if the page
// does not show it.
func (r *recorder) recordState(id stepID, state string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was, known := r.states[id]
	switch {
	case !known, was.state == "":
		r.states[id] = shownState{state, time.Now()}
	case state != "" && was.state != state:
		r.violations[fmt.Sprintf("version %d of %s was shown as %s and as %s", id.version, id.qualification, was.state, state)]++
	}
}

// recordAttempt records that a form is sent that can cause an event.
func (r *recorder) recordAttempt(id stepID, event string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.attempts[id] == nil {
		r.attempts[id] = map[string]bool{}
	}
	r.attempts[id][event] = true
}

// recordStep records that a step was answered.
func (r *recorder) recordStep(id stepID, event string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answered[answer{id, event}]++
}

// violation records a false statement on a page, or another error.
func (r *recorder) violation(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.violations[fmt.Sprintf(format, args...)]++
}

// addSecret records a value that must not be found in the database, a log or a metric.
func (r *recorder) addSecret(value, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secretValues[value] = what
}

func (r *recorder) count(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[what]++
}

// pageFailed records that a page failed, and how.
func (r *recorder) pageFailed(how string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, time.Now())
	r.failureCounts[how]++
}

// recordWait records the time that an answer took.
func (r *recorder) recordWait(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slowest = max(r.slowest, d)
	for i, limit := range slow {
		if d > limit {
			r.slower[i]++
		}
	}
}

// slow contains the limits for the counts of slow answers.
var slow = [...]time.Duration{time.Second, 5 * time.Second, 10 * time.Second}

// counted returns the count of an action.
func (r *recorder) counted(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[what]
}

// steps returns how many steps were answered, and how many pages failed.
func (r *recorder) steps() (answered, failed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.answered {
		answered += n
	}
	return answered, len(r.failures)
}

// failedSince returns how many pages failed after a time.
func (r *recorder) failedSince(t time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, at := range r.failures {
		if at.After(t) {
			n++
		}
	}
	return n
}

// secrets returns a copy of the recorded secrets.
func (r *recorder) secrets() secrets {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.secretValues)
}

// failureList returns how pages failed, with counts.
func (r *recorder) failureList() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return formatCounts(r.failureCounts)
}

// violationList returns the violations, with counts.
func (r *recorder) violationList() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return formatCounts(r.violations)
}

func formatCounts(counts map[string]int) (all []string) {
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, fmt.Sprintf("%s ×%d", what, counts[what]))
	}
	return all
}
