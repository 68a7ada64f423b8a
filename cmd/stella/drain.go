package main

import (
	"sync"
	"time"
)

// farewell has balancers look elsewhere before connections are refused: one
// that the system has taken for us, and we have not yet, would be reset.
type farewell struct {
	mu           sync.Mutex
	last, before time.Time // when somebody was told that we are ready
	refused      int       // times that somebody was told that we leave
	told         chan struct{}
}

const (
	// Who asks for the fourth time was told three times, which is what makes
	// HAProxy, by default, send no more.
	farewells = 4

	// farewellTime bounds all that, and is within which a balancer asks twice.
	farewellTime = 10 * time.Second
)

// ask notes that somebody asks whether we are ready, and returns whether we
// leave.
func (f *farewell) ask(now time.Time) (leaving bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.told == nil {
		f.last, f.before = now, f.last
		return false
	}
	if f.refused++; f.refused == farewells {
		close(f.told)
	}
	return true
}

// say returns when whoever asks was told that we leave; at once where nobody
// asks again and again.
func (f *farewell) say() {
	f.mu.Lock()
	f.told = make(chan struct{})
	told, heard := f.told, time.Since(f.before) < farewellTime
	f.mu.Unlock()
	if !heard {
		return
	}
	select {
	case <-told:
	case <-time.After(farewellTime):
	}
}
