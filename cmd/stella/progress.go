package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress tells how far an import has come: with a bar on a terminal, elsewhere
// with a line every few seconds. A nil one tells nothing.
type progress struct {
	out      io.Writer
	terminal bool
	size     int64 // of the file; 0 for a pipe
	begun    time.Time
	shown    time.Time
	line     int   // up to this one all is done
	read     int64 // bytes, up to there
}

// How often progress is shown.
const (
	onTerminal = 100 * time.Millisecond
	elsewhere  = 5 * time.Second
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

// show tells that the lines up to this one are done, and how many bytes they are.
func (p *progress) show(line int, read int64) {
	if p == nil {
		return
	}
	every := elsewhere
	if p.terminal {
		every = onTerminal
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
		part := min(float64(p.read)/float64(p.size), 1) // it may grow meanwhile
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

// clear makes room for a line of text on the terminal.
func (p *progress) clear() {
	if p != nil && p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// end leaves the bar standing as far as it came.
func (p *progress) end() {
	if p != nil && p.terminal {
		p.write()
		fmt.Fprintln(p.out)
	}
}
