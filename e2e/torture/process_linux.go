package main

import "syscall"

// attributes returns the attributes of a child process: it is not interrupted by
// Ctrl-C in our terminal, and it is killed when the thread that started it ends,
// even if this process is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}
