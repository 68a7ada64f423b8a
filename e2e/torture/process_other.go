//go:build !linux

package main

import "syscall"

// attributes returns the attributes of a child process: it is not interrupted by
// Ctrl-C in our terminal. Only on Linux it is also killed with its parent.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
