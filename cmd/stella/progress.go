package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress prints the progress of an import: a bar on a terminal, otherwise a line every
// few seconds. A nil progress prints nothing.
type progress struct {
	out      io.Writer
	terminal bool
	size     int64 // of the file in bytes; 0 for a pipe
	begun    time.Time
	shown    time.Time // when it was printed last
	line     int       // the lines up to this one are done
	read     int64     // bytes up to there
}

// How often the progress is printed.
const (
	terminalInterval = 100 * time.Millisecond
	logInterval      = 5 * time.Second
)

const barWidth = 30

func startProgress(out, in *os.File) *progress {
	p := &progress{out: out, begun: time.Now(), shown: time.Now()}
	if info, err := out.Stat(); err == nil {
		p.terminal = info.Mode()&os.ModeCharDevice != 0
	}
	if info, err := in.Stat(); err == nil && info.Mode().IsRegular() {
		p.size = info.Size()
	}
	return p
}

// show records that the lines up to this one are done, which are read bytes. It prints
// the progress if it is time.
func (p *progress) show(line int, read int64) {
	if p == nil {
		return
	}
	every := logInterval
	if p.terminal {
		every = terminalInterval
	}
	p.line, p.read = line, read
	now := time.Now()
	if now.Sub(p.shown) < every {
		return
	}
	p.shown = now
	p.write()
}

func (p *progress) write() {
	rate := float64(p.line) / time.Since(p.begun).Seconds()
	text := fmt.Sprintf("%d lines, %.0f a second", p.line, rate)
	if p.size > 0 {
		part := min(float64(p.read)/float64(p.size), 1) // the file may grow during the import
		text = fmt.Sprintf("%3.0f%%  %s", 100*part, text)
		if p.terminal {
			full := int(part * barWidth)
			text = "[" + strings.Repeat("#", full) + strings.Repeat(" ", barWidth-full) + "] " + text
		}
	}
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K"+text)
	} else {
		fmt.Fprintln(p.out, text)
	}
}

// clear removes the bar from the terminal, so that a line of text can be printed.
func (p *progress) clear() {
	if p != nil && p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// end prints the bar for the last time.
func (p *progress) end() {
	if p != nil && p.terminal {
		p.write()
		fmt.Fprintln(p.out)
	}
}
