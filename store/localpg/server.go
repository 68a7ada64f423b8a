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

// errOccupied means that another server still holds the data folder.
var errOccupied = errors.New("another server holds the data folder")

// A server is a PostgreSQL process of ours.
type server struct {
	process *os.Process
	done    chan struct{} // closed when it has ended
	err     error         // how, once done
	said    tail
}

// serve runs cmd until it ends, or this process does.
func serve(cmd *exec.Cmd, log io.Writer) (*server, error) {
	s := &server{done: make(chan struct{}), said: tail{next: log}}
	cmd.Stdout, cmd.Stderr = &s.said, &s.said
	cmd.WaitDelay = time.Second   // a child of the server may keep the pipe open
	cmd.SysProcAttr.Setsid = true // Ctrl-C is for us, who then stop the server in order
	die(cmd.SysProcAttr, syscall.SIGINT)
	started := make(chan error)
	go func() {
		// The server's parent, to the kernel, is this thread: see die.
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

// await returns when the server accepts connections.
func (s *server) await(ctx context.Context, data string) error {
	for {
		if p := readPostmaster(data); p.ready && p.pid == s.process.Pid {
			return nil
		}
		select {
		case <-s.done:
			return s.failure()
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(poll):
		}
	}
}

// stop ends the server: in order, else at once.
func (s *server) stop() error {
	select {
	case <-s.done:
		return fmt.Errorf("the private PostgreSQL had ended by itself: %w", s.failure())
	default:
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} { // fast, then immediate
		if err := s.process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stopping the private PostgreSQL: %w", err)
		}
		select {
		case <-s.done:
			return nil
		case <-time.After(patience / 2):
		}
	}
	return fmt.Errorf("the private PostgreSQL (process %d) does not stop", s.process.Pid)
}

// failure tells why the server ended, in its own words.
func (s *server) failure() error {
	said := s.said.String()
	if strings.Contains(said, `"postmaster.pid" already exists`) || strings.Contains(said, "is still in use") {
		return fmt.Errorf("%w\n%s", errOccupied, said)
	}
	if s.err == nil {
		return errors.New("it was told to\n" + said)
	}
	return fmt.Errorf("%w\n%s", s.err, said)
}

// A postmaster is what the server of a data folder says about itself.
type postmaster struct {
	pid          int
	port, folder string
	ready        bool
}

// readPostmaster reads postmaster.pid, whose lines src/include/utils/pidfile.h
// of PostgreSQL lists. Without a whole file, nothing is ready.
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

// A tail passes on what it is given and remembers the end of it.
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
		t.next.Write(b) // a log that fails must not stop the server
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.end))
}
