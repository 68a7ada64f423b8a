//go:build !linux

package store

import "syscall"

// setTCPUserTimeout does nothing: only Linux has the option. Deadlines of contexts
// and keep-alive end the connections instead.
func setTCPUserTimeout(_, _ string, _ syscall.RawConn) error { return nil }
