package main

import "syscall"

// attributes keep a child away from our terminal's Ctrl-C, and end it with the
// thread that started it, even where that is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}
