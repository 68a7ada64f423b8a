package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// errOccupied means that another server still uses the data folder.
var errOccupied = errors.New("another server uses the data folder")

// server is a PostgreSQL process that we started.
type server struct {
	process *os.Process
	done    chan struct{} // closed when the process has ended
	err     error         // of cmd.Wait; valid after done is closed
	output  tail
}

// startProcess starts cmd, which runs until it ends by itself or until this process
// ends.
func startProcess(cmd *exec.Cmd, log io.Writer) (*server, error) {
	s := &server{done: make(chan struct{}), output: tail{next: log}}
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	cmd.WaitDelay = time.Second   // a child of the server may keep the pipe open
	cmd.SysProcAttr.Setsid = true // Ctrl-C must reach only us; we then stop the server cleanly
	setPdeathsig(cmd.SysProcAttr, syscall.SIGINT)
	started := make(chan error)
	go func() {
		// For the kernel, the server's parent is this thread: see setPdeathsig.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			s.err = cmd.Wait()
			close(s.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	s.process = cmd.Process
	return s, nil
}

// waitReady returns when the server accepts connections. It returns an error if the
// server ends first.
func (s *server) waitReady(ctx context.Context, data string) error {
	for {
		if p := readPostmaster(data); p.ready && p.pid == s.process.Pid {
			return nil
		}
		select {
		case <-s.done:
			return s.exitError()
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(poll):
		}
	}
}

// stop stops the server with a fast shutdown, or with an immediate one if that does
// not work.
func (s *server) stop() error {
	select {
	case <-s.done:
		return fmt.Errorf("the private PostgreSQL stopped unexpectedly: %w", s.exitError())
	default:
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} { // fast, then immediate
		if err := s.process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stopping the private PostgreSQL: %w", err)
		}
		select {
		case <-s.done:
			return nil
		case <-time.After(stopTimeout / 2):
		}
	}
	return fmt.Errorf("the private PostgreSQL (process %d) does not stop", s.process.Pid)
}

// exitError returns why the server ended, with the last lines of its output.
func (s *server) exitError() error {
	output := s.output.String()
	if strings.Contains(output, `"postmaster.pid" already exists`) || strings.Contains(output, "is still in use") {
		return fmt.Errorf("%w\n%s", errOccupied, output)
	}
	if s.err == nil {
		return errors.New("it received a request to stop\n" + output)
	}
	return fmt.Errorf("%w\n%s", s.err, output)
}

// postmaster is the content of a server's postmaster.pid.
type postmaster struct {
	pid          int
	port, folder string
	ready        bool
}

// readPostmaster reads postmaster.pid. The header src/include/utils/pidfile.h of
// PostgreSQL defines its lines. If the file is missing or incomplete, ready is false.
func readPostmaster(data string) (p postmaster) {
	b, _ := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	lines := strings.Split(string(b), "\n")
	if len(lines) < 8 {
		return p
	}
	p.pid, _ = strconv.Atoi(lines[0])
	p.port, p.folder = lines[3], lines[4]
	p.ready = strings.TrimSpace(lines[7]) == "ready"
	return p
}

// tail is a writer that passes its input on to next and keeps the last 2048 bytes.
type tail struct {
	next io.Writer
	mu   sync.Mutex
	end  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, b...)
	t.end = t.end[max(0, len(t.end)-2048):]
	if t.next != nil {
		_, _ = t.next.Write(b) // a log that fails must not stop the server
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.end))
}
