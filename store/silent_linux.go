package store

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// endSilent has the kernel end a connection to a host that is silent. Keep-alive
// alone does not: the kernel asks nobody who owes it an acknowledgement, and
// repeats what it sent for a quarter of an hour (RFC 5482).
func endSilent(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var err error
	if failed := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silencePatience.Milliseconds()))
	}); failed != nil {
		return failed
	}
	return err
}
