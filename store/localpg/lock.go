package localpg

import (
	"fmt"
	"os"
	"syscall"
)

// openLock opens the file whose lock is held for as long as the server is
// ours, and which the kernel releases when we die. A server with nobody
// holding it is on its way out, and not to be joined.
func openLock(path string, who account) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := who.give(path); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// try takes the lock of f, unless another has it.
func try(f *os.File) (mine bool, err error) {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
		case nil:
			return true, nil
		case syscall.EWOULDBLOCK:
			return false, nil
		case syscall.EINTR:
		default:
			return false, fmt.Errorf("locking %s: %w", f.Name(), err)
		}
	}
}
