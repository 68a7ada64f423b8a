//go:build !linux

package main

import (
	"syscall"
	"time"
)

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func cpuOf(int) time.Duration { return 0 }

func cpuOfTree(int) time.Duration { return 0 }

func peakMemory(int) int64 { return 0 }

// canMeasure reports whether CPU and memory of other processes can be read.
const canMeasure = false
