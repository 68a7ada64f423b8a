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

// A daemon is a program that is kept running: when it exits it is started again, as
// a process supervisor does.
type daemon struct {
	name    string
	command func() *exec.Cmd
	address string                      // the address at which it listens
	check   func(context.Context) error // returns nil if the program works
	log     io.Writer

	mu           sync.Mutex
	process      *os.Process   // nil while it is not running
	exited       chan struct{} // closed when process has exited
	expected     bool          // its next exit is caused by a fault
	downtime     time.Duration // delay before the restart after such an exit
	starts       int
	failedStarts int      // starts that ended before the program worked
	failures     []string // unexpected exits

	ended chan struct{}
}

// restartPause is the delay before the restart after an unexpected exit.
const restartPause = 300 * time.Millisecond

// start keeps the program running until ctx ends, and then stops it (graceful
// shutdown).
func (d *daemon) start(ctx context.Context) {
	d.ended = make(chan struct{})
	go func() {
		defer close(d.ended)
		// For the kernel (Pdeathsig), the parent of a child is the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for ctx.Err() == nil {
			pause(ctx, d.runOnce(ctx))
		}
	}()
}

// runOnce runs the program once and returns the delay before its restart.
func (d *daemon) runOnce(ctx context.Context) time.Duration {
	c := d.command()
	c.Stdout, c.Stderr, c.SysProcAttr = d.log, d.log, attributes()
	if err := c.Start(); err != nil {
		d.fail("%s cannot be started: %v", d.name, err)
		return time.Second
	}
	d.mu.Lock()
	d.process, d.exited, d.starts = c.Process, make(chan struct{}), d.starts+1
	d.mu.Unlock()
	alive, died := context.WithCancel(ctx)
	served := make(chan bool, 1)
	go func() { served <- d.await(alive) == nil }()
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		<-alive.Done()
		if ctx.Err() != nil {
			shutDown(c.Process)
		}
	}()
	err := c.Wait()
	d.mu.Lock()
	d.process = nil
	close(d.exited)
	expected, downtime := d.expected, d.downtime
	d.expected = false
	d.mu.Unlock()
	died()
	<-settled
	switch {
	case ctx.Err() != nil:
		return 0
	case expected:
		return downtime
	case !<-served:
		d.mu.Lock()
		d.failedStarts++
		d.mu.Unlock()
	default:
		d.fail("%s exited unexpectedly: %v", d.name, err)
	}
	return restartPause
}

func (d *daemon) fail(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures = append(d.failures, fmt.Sprintf(format, args...))
}

// signal sends a signal that ends the program. The program is restarted after
// downtime. The channel is closed when the program has exited; it is nil if the
// program was not running.
func (d *daemon) signal(s syscall.Signal, downtime time.Duration) (exited <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.process == nil || d.process.Signal(s) != nil {
		return nil
	}
	d.expected, d.downtime = true, downtime
	return d.exited
}

// expectExit is like signal, for a program that is about to exit without a signal
// from here.
func (d *daemon) expectExit(downtime time.Duration) (exited <-chan struct{}) {
	return d.signal(syscall.Signal(0), downtime)
}

// freeze stops the program for a while with SIGSTOP, like a virtual machine that is
// migrated or that is short of memory. It returns false if the program was not
// running.
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

// await waits until the program works, for at most a minute.
func (d *daemon) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := d.check(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s does not work: %w", d.name, err)
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// shutDown sends SIGTERM to a process, and SIGKILL after 40 seconds.
func shutDown(p *os.Process) {
	p.Signal(syscall.SIGCONT)
	p.Signal(syscall.SIGTERM)
	time.AfterFunc(40*time.Second, func() { p.Kill() })
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
