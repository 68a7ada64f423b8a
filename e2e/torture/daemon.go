package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A daemon is a program that is kept running: whenever it ends it is started
// again, as an operating system's supervisor would.
type daemon struct {
	name    string
	command func() *exec.Cmd
	address string                      // where it listens
	answers func(context.Context) error // asks it whether it does its work
	log     io.Writer

	mu       sync.Mutex
	process  *os.Process   // nil while it is down
	gone     chan struct{} // closed when that one has ended
	stricken bool          // its next end is our doing,
	rest     time.Duration // and it is down for so long then
	starts   int
	misfires int      // starts that ended before it did any work
	faults   []string // ends that nobody asked for

	ended chan struct{}
}

// restartPause is for how long a program that ended by itself stays down.
const restartPause = 300 * time.Millisecond

// start keeps the program running until ctx ends, and then stops it in order.
func (d *daemon) start(ctx context.Context) {
	d.ended = make(chan struct{})
	go func() {
		defer close(d.ended)
		// The parent of a child is, to the kernel, the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for ctx.Err() == nil {
			pause(ctx, d.live(ctx))
		}
	}()
}

// live runs the program once, and returns for how long it is to stay down.
func (d *daemon) live(ctx context.Context) time.Duration {
	c := d.command()
	c.Stdout, c.Stderr, c.SysProcAttr = d.log, d.log, attributes()
	if err := c.Start(); err != nil {
		d.fault("%s cannot be started: %v", d.name, err)
		return time.Second
	}
	d.mu.Lock()
	d.process, d.gone, d.starts = c.Process, make(chan struct{}), d.starts+1
	d.mu.Unlock()
	alive, died := context.WithCancel(ctx)
	served := make(chan bool, 1)
	go func() { served <- d.await(alive) == nil }()
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		<-alive.Done()
		if ctx.Err() != nil {
			stopInOrder(c.Process)
		}
	}()
	err := c.Wait()
	d.mu.Lock()
	d.process = nil
	close(d.gone)
	stricken, rest := d.stricken, d.rest
	d.stricken = false
	d.mu.Unlock()
	died()
	<-settled
	switch {
	case ctx.Err() != nil:
		return 0
	case stricken:
		return rest
	case !<-served:
		d.mu.Lock()
		d.misfires++
		d.mu.Unlock()
	default:
		d.fault("%s ended by itself: %v", d.name, err)
	}
	return restartPause
}

func (d *daemon) fault(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, fmt.Sprintf(format, args...))
}

// strike sends a signal that ends the program, which is down for that long
// then. The channel is closed when it has ended; it is nil if there was nothing
// to be hit.
func (d *daemon) strike(s syscall.Signal, rest time.Duration) (gone <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.process == nil || d.process.Signal(s) != nil {
		return nil
	}
	d.stricken, d.rest = true, rest
	return d.gone
}

// expect is strike for a program that is about to fall by itself.
func (d *daemon) expect(rest time.Duration) (gone <-chan struct{}) {
	return d.strike(syscall.Signal(0), rest)
}

// freeze stops the program in its tracks for a while, as a machine does that is
// moved, or short of memory.
func (d *daemon) freeze(ctx context.Context, span time.Duration) bool {
	d.mu.Lock()
	p := d.process
	d.mu.Unlock()
	if p == nil || p.Signal(syscall.SIGSTOP) != nil {
		return false
	}
	pause(ctx, span)
	p.Signal(syscall.SIGCONT)
	return true
}

// await returns when the program does its work.
func (d *daemon) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := d.answers(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s is not there: %w", d.name, err)
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// stopInOrder asks a process to end, and after a while does not ask any more.
func stopInOrder(p *os.Process) {
	p.Signal(syscall.SIGCONT)
	p.Signal(syscall.SIGTERM)
	time.AfterFunc(40*time.Second, func() { p.Kill() })
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
