package localpg

import "syscall"

// setPdeathsig makes the kernel send sig to the process when its parent dies. The
// parent is the thread that starts the process, not our whole process, so that
// thread must not end. The setting would be lost when the account changes, but
// package syscall applies it after the change.
func setPdeathsig(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }
