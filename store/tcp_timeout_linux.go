package store

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// setTCPUserTimeout makes the kernel close a connection if the host acknowledges
// nothing for silentHostTimeout (RFC 5482). Keep-alive is not enough: while sent
// data is unacknowledged, the kernel sends no keep-alive probes, and retransmits
// for about 15 minutes.
func setTCPUserTimeout(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var err error
	if failed := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silentHostTimeout.Milliseconds()))
	}); failed != nil {
		return failed
	}
	return err
}
