package localpg

import (
	"fmt"
	"os"
	"syscall"
)

// openLock opens the lock file. The process that runs the server holds its lock,
// and the kernel releases the lock when that process ends. If the lock is free, a
// server that still runs is about to end, and must not be joined.
func openLock(path string, acct account) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := acct.chown(path); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// tryLock takes the lock of f without waiting. It reports whether we have it.
func tryLock(f *os.File) (mine bool, err error) {
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
