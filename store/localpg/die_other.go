//go:build !linux

package localpg

import "syscall"

// die does nothing: only Linux can tie a process to its parent. A server that
// outlives us is stopped by the next start, which begins its own.
func die(*syscall.SysProcAttr, syscall.Signal) {}
