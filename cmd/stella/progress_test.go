package main

import (
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		progress progress
		want     []string
	}{
		{"on a terminal", progress{terminal: true, size: 1000}, []string{
			"\r\x1b[K[###############               ]  50%  500 lines, 500 a second",
			"\r\x1b[K[########################      ]  80%  800 lines, 727 a second",
			"\r\x1b[K", // clear
			"\r\x1b[K[##############################] 100%  1100 lines, 180 a second",
			"\r\x1b[K[##############################] 100%  1150 lines, 187 a second\n",
		}},
		{"pipe on a terminal", progress{terminal: true}, []string{
			"\r\x1b[K500 lines, 500 a second",
			"\r\x1b[K800 lines, 727 a second",
			"\r\x1b[K",
			"\r\x1b[K1100 lines, 180 a second",
			"\r\x1b[K1150 lines, 187 a second\n",
		}},
		{"no terminal", progress{size: 1000}, []string{"100%  1100 lines, 180 a second\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				p := test.progress
				p.out, p.begun, p.shown = &out, time.Now(), time.Now()
				time.Sleep(time.Second)
				p.show(500, 500)
				time.Sleep(terminalInterval / 2)
				p.show(700, 700) // too soon
				time.Sleep(terminalInterval / 2)
				p.show(800, 800)
				p.clear()
				time.Sleep(logInterval)
				p.show(1100, 1100) // the file has grown
				time.Sleep(terminalInterval / 2)
				p.show(1150, 1150)
				p.end()
				if want := strings.Join(test.want, ""); out.String() != want {
					t.Errorf("it prints\n%q, want\n%q", out.String(), want)
				}
			})
		})
	}
}

// The last bar of an interrupted import shows how far the import came.
func TestProgressOfAnInterruptedImport(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := &progress{out: &out, terminal: true, size: 1000, begun: time.Now(), shown: time.Now()}
	p.show(500, 500)
	p.end()
	if bar := out.String(); !strings.Contains(bar, "  50%  500 lines") || !strings.HasSuffix(bar, "\n") {
		t.Errorf("%q", bar)
	}
}

// The program detects a terminal. The command script provides one.
func TestImportOnATerminal(t *testing.T) {
	t.Parallel()
	mailboxes := programtest.File(t, "m.csv", []byte(goodFile+"no address,,,,,,active\n"))
	importing := program(t, []string{"STELLA_DATABASE_URL=" + storetest.URL(t)}, "mailbox", "import", mailboxes)
	terminal := exec.CommandContext(t.Context(), "script", "-qec", `"`+strings.Join(importing.Args, `" "`)+`"`, "/dev/null")
	terminal.Env = importing.Env
	out, err := terminal.Output()
	if err == nil {
		t.Error("the exit status is 0 despite an invalid line")
	}
	want := "\r\x1b[Kline 6: address: "
	text := string(out)
	if !strings.HasPrefix(text, want) || !strings.Contains(text, "\r\x1b[K[##############################] 100%  6 lines, ") ||
		!strings.Contains(text, "3 made\r\n") {
		t.Errorf("it prints %q (%v)", text, err)
	}
}
