package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// attributes returns the attributes of a child: Ctrl-C in the terminal reaches only the
// driver, and the child is killed with the thread that started it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// tick is the unit of the CPU times in /proc. The kernel reports them to programs in
// hundredths of a second.
const tick = time.Second / 100

// A process is a line of /proc.
type process struct {
	parent       int
	own, waited  time.Duration // CPU; waited is that of children that have ended
	isAccessible bool
}

func readProcess(pid int) (p process) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p // it has ended
	}
	// The name in brackets may contain blanks.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 15 {
		return p
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(fields[i], 10, 64) // the kernel writes numbers
		return n
	}
	p.parent = int(number(1))
	p.own = time.Duration(number(11)+number(12)) * tick
	p.waited = time.Duration(number(13)+number(14)) * tick
	p.isAccessible = true
	return p
}

// cpuOf returns the CPU time of a process, without its children.
func cpuOf(pid int) time.Duration { return readProcess(pid).own }

// cpuOfTree returns the CPU time of a process and of all its children, also of those
// that have ended.
func cpuOfTree(pid int) time.Duration {
	if pid == 0 { // unknown
		return 0
	}
	top := readProcess(pid)
	sum := top.own + top.waited
	all, _ := filepath.Glob("/proc/[0-9]*") // without children if /proc cannot be read
	for _, dir := range all {
		one, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if p := readProcess(one); p.isAccessible && p.parent == pid {
			sum += p.own + p.waited
		}
	}
	return sum
}

// peakMemory returns the largest resident memory that a process has had, in bytes.
func peakMemory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// canMeasure reports whether CPU and memory of other processes can be read.
const canMeasure = true
