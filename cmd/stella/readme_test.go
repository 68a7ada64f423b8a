package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

// The script in the README works: it leads from an empty database to a first hand-off.
func TestReadmeScript(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	storetest.Must(t, err)
	const migrate = "' stella migrate --grant " + storetest.Role + "\n"
	_, script, _ := strings.Cut(string(readme), "```sh\nSTELLA_DATABASE_URL='postgres://stella_owner@")
	_, script, migrated := strings.Cut(script, migrate)
	script, _, ok := strings.Cut(script, "```")
	if lines := strings.Count(script, "\n"); !migrated || !ok || lines > 9 {
		t.Fatalf("the README has no such script, or its %d lines are too many: %s", lines, script)
	}

	c := programtest.GoodConfig(t)
	owner := storetest.EmptyURL(t)
	script = "STELLA_DATABASE_URL='" + owner + migrate + script
	c.URL, c.Listen = strings.Replace(owner, "//postgres@", "//"+storetest.Role+"@", 1), freePort(t)
	bash := exec.CommandContext(t.Context(), "bash", "-euc", script)
	bash.Env = append(programtest.Environ(c), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "HOME="+t.TempDir(), "USER=tests")
	bash.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the service keeps running in this process group
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	storetest.Must(t, err)
	defer output.Close()
	bash.Stdout, bash.Stderr, bash.WaitDelay = output, output, time.Second
	t.Cleanup(func() { syscall.Kill(-bash.Process.Pid, syscall.SIGKILL) })
	err = bash.Run()
	out, _ := os.ReadFile(output.Name())
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	start := regexp.MustCompile(`"start_url":"https://id\.example(/start/[A-Z2-7]+)"`).FindSubmatch(out)
	if start == nil || !strings.Contains(string(out), `"show":"banner"`) || !strings.Contains(string(out), `"outcome":"made"`) {
		t.Fatalf("%s", out)
	}
	page, err := http.Get("http://" + c.Listen + string(start[1]))
	storetest.Must(t, err)
	defer page.Body.Close()
	if page.StatusCode != http.StatusOK {
		t.Errorf("the start URL: %s", page.Status)
	}
}

// freePort returns an address with an unused port.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	storetest.Must(t, err)
	defer l.Close()
	return l.Addr().String()
}
