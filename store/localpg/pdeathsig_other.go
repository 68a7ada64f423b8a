//go:build !linux

package localpg

import "syscall"

// setPdeathsig does nothing: only Linux has this feature. If a server outlives the
// process that started it, the next Start stops it and starts another.
func setPdeathsig(*syscall.SysProcAttr, syscall.Signal) {}
