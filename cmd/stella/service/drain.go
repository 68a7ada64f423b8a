package service

import (
	"sync"
	"time"
)

// readinessDrain fails the readiness probes of load balancers before the listener
// closes, so that they send no more connections. Otherwise connections that the kernel
// has accepted but Accept has not returned yet would be reset.
type readinessDrain struct {
	mu                       sync.Mutex
	lastProbe, previousProbe time.Time     // times of the probes that were answered "ready"
	failures                 int           // probes answered "stopping"
	done                     chan struct{} // nil while we are ready; closed after drainProbes failures
}

const (
	// When the fourth probe arrives, the balancer has received three failures. After
	// three failures HAProxy, by default, takes a server out.
	drainProbes = 4

	// maxDrain is the maximum duration of the drain. A balancer is expected to probe
	// at least twice in this time.
	maxDrain = 10 * time.Second
)

// probe records a readiness probe at a time. It reports whether the service is
// stopping.
func (d *readinessDrain) probe(now time.Time) (stopping bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done == nil {
		d.lastProbe, d.previousProbe = now, d.lastProbe
		return false
	}
	if d.failures++; d.failures == drainProbes {
		close(d.done)
	}
	return true
}

// failReadiness makes the probes fail, and waits until the balancer has seen this, at
// most maxDrain. It returns at once if there were no two probes in the last maxDrain:
// then no balancer is probing.
func (d *readinessDrain) failReadiness() {
	d.mu.Lock()
	d.done = make(chan struct{})
	done, probed := d.done, time.Since(d.previousProbe) < maxDrain
	d.mu.Unlock()
	if !probed {
		return
	}
	select {
	case <-done:
	case <-time.After(maxDrain):
	}
}
