//go:build !linux

package main

import "syscall"

// attributes keep a child away from our terminal's Ctrl-C. Only Linux can also
// end it with a parent that is killed.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
