package localpg

import "syscall"

// die asks the kernel to send sig to the process when its parent dies. The
// parent is the thread that starts it, not our whole process, so that thread
// must be kept. Package syscall asks after it has changed the account, which
// would withdraw the wish.
func die(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }
