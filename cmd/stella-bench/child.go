package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// A child is a process that the driver has started.
type child struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // of Wait; valid after ended is closed
}

// start starts a command. It ends with the driver, on Linux even if the driver is
// killed.
func start(name string, c *exec.Cmd) (*child, error) {
	c.SysProcAttr = attributes()
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &child{name: name, cmd: c, ended: make(chan struct{})}
	go func() {
		p.err = c.Wait()
		close(p.ended)
	}()
	return p, nil
}

// startPart starts a part of this program as a process of its own and waits until it
// prints its address.
func startPart(ctx context.Context, log io.Writer, args ...string) (p *child, address string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	c := exec.Command(self, args...)
	c.Env, c.Stderr = append(os.Environ(), partVariable+"=1"), log
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if p, err = start(args[0], c); err != nil {
		return nil, "", err
	}
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(out).ReadString('\n') // "" at the end of the process
		line <- text
	}()
	select {
	case text := <-line:
		if text == "" {
			return nil, "", fmt.Errorf("%s has ended: see its log", args[0])
		}
		return p, text[:len(text)-1], nil
	case <-ctx.Done():
		return nil, "", errors.Join(ctx.Err(), p.stop())
	}
}

// partVariable is set in the environment of a part, so that a test binary runs as one.
const partVariable = "STELLA_BENCH_PART"

func (p *child) pid() int { return p.cmd.Process.Pid }

// stop ends the process in order, or kills it after 20 seconds.
func (p *child) stop() error {
	syscall.Kill(p.pid(), syscall.SIGTERM)
	select {
	case <-p.ended:
		return nil
	case <-time.After(20 * time.Second):
		syscall.Kill(p.pid(), syscall.SIGKILL)
		<-p.ended
		return fmt.Errorf("%s did not stop in time", p.name)
	}
}
