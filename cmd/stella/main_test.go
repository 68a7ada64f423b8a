package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"stella/store/storetest"
)

// binary is the program that the tests run, built like `make build`. It has no race
// detector, because the tests start it hundreds of times and a start with the detector
// takes 0.2 seconds. The other packages have their own tests with the detector.
var binary string

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "4") // the tests mostly wait
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stella-program-")
	if err == nil {
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "stella")
		err = build()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building the program:", err)
		return 1
	}
	return storetest.Run(m)
}

func build() error {
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// program returns a command that runs the program with the variables env.
func program(t testing.TB, env []string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, args...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "USER=tests"}, env...)
	return c
}

// result is the output and the exit status of a command.
type result struct {
	out, err string
	status   int
}

// stella runs a command and waits for its end.
func stella(t *testing.T, env []string, args ...string) result {
	t.Helper()
	c := program(t, env, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), c.ProcessState.ExitCode()}
}

// fails checks the exit status and the error message of a command.
func (r result) fails(t *testing.T, status int, sentence string) {
	t.Helper()
	if r.status != status || r.out != "" {
		t.Errorf("status %d, want %d; it prints %q and %q", r.status, status, r.out, r.err)
	}
	if want := "stella: " + sentence + "\n"; r.err != want {
		t.Errorf("the message is\n%q, want\n%q", r.err, want)
	}
}

// succeeds checks that a command succeeded without messages, and returns its output.
func (r result) succeeds(t *testing.T) string {
	t.Helper()
	if r.status != 0 || r.err != "" {
		t.Fatalf("status %d: %q", r.status, r.err)
	}
	return r.out
}

func TestHelp(t *testing.T) {
	t.Parallel()
	out := &bytes.Buffer{}
	k := newParser(t.Context(), &commands{})
	k.Stdout, k.Exit = out, func(int) {}
	leaves := k.Model.Leaves(false)
	if len(leaves) < 14 {
		t.Fatalf("only %d commands", len(leaves))
	}
	for _, leaf := range leaves {
		path := strings.Fields(leaf.Path())
		out.Reset()
		k.Parse(append(path, "--help"))
		if !strings.HasPrefix(out.String(), "Usage: stella "+strings.Join(path, " ")) ||
			!strings.Contains(strings.Join(strings.Fields(out.String()), " "), leaf.Help) {
			t.Errorf("%s: the help is %s", leaf.Path(), out)
		}
	}
	err := kong.Visit(k.Model, func(n kong.Visitable, next kong.Next) error {
		switch n := n.(type) {
		case *kong.Node:
			if !strings.HasSuffix(n.Help, ".") && n.Type == kong.CommandNode {
				t.Errorf("the help of the command %s is %q, want a sentence", n.Path(), n.Help)
			}
		case *kong.Flag:
			if !strings.HasSuffix(n.Help, ".") && !strings.HasSuffix(n.Help, ")") {
				t.Errorf("the help of the flag --%s is %q, want a sentence", n.Name, n.Help)
			}
			if n.HasDefault && n.Default != "" && strings.Contains(n.FormatPlaceHolder(), n.Default) &&
				strings.Contains(n.Help, n.Default) {
				t.Errorf("the flag --%s=%s repeats its default in the help: %q", n.Name, n.FormatPlaceHolder(), n.Help)
			}
			// The flag and its variable have the same name.
			for _, env := range n.Envs {
				name := "STELLA_" + strings.ToUpper(strings.ReplaceAll(n.Name, "-", "_"))
				if env != name {
					t.Errorf("the flag --%s has the variable %s", n.Name, env)
				}
			}
		case *kong.Value:
			if n.Help == "" {
				t.Errorf("the argument %s has no help", n.Name)
			}
		}
		return next(nil)
	})
	storetest.Must(t, err)
}

func TestInvalidCommands(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"frob":         "unexpected argument frob\nTry \"stella --help\".",
		"serve --frob": "unknown flag --frob\nTry \"stella serve --help\".",
		"qualification": `expected one of "list", "show", "approve", "refuse", "revoke"` +
			"\nTry \"stella qualification --help\".",
		"qualification show":      "expected \"<address>\"\nTry \"stella qualification show --help\".",
		"qualification approve x": "missing flags: --reason=TEXT\nTry \"stella qualification approve --help\".",
		"archive keygen":          "expected \"<file>\"\nTry \"stella archive keygen --help\".",
		"mail list --limit=-1":    "--limit: expected a valid 64 bit uint but got \"-1\"\nTry \"stella mail list --help\".",
		"client add x":            "missing flags: --domain=DOMAIN,...\nTry \"stella client add --help\".",
	} {
		stella(t, nil, strings.Fields(args)...).fails(t, 2, want)
	}
}

// A blank value, for example of an unset variable in a script, is an error.
func TestBlankValuesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flag string
		args []string
	}{
		{"--domain", []string{"client", "add", "x", "--return-url=https://x.example/", "--domain="}},
		{"--domain", []string{"client", "add", "x", "--return-url=https://x.example/", "--domain=,pec.example"}},
		{"--domain", []string{"client", "add", "x", "--return-url=https://x.example/", "--domain=pec.example", "--domain= "}},
		{"--return-url", []string{"client", "add", "x", "--domain=pec.example", "--return-url="}},
		{"--domain", []string{"mailbox", "export", "--domain="}},
		{"--kind", []string{"webhook", "add", "x", "https://x.example/", "--kind="}},
		{"--state", []string{"qualification", "list", "--state="}},
		{"--mailbox", []string{"mail", "list", "--mailbox="}},
		{"--reason", []string{"qualification", "approve", "anna@pec.example", "--reason="}},
	} {
		r := stella(t, nil, c.args...)
		if r.status != 2 || r.out != "" || !strings.HasPrefix(r.err, "stella: "+c.flag+" has a blank value\n") {
			t.Errorf("%q: status %d, message %q", c.args, r.status, r.err)
		}
	}
	// An empty environment variable counts as unset.
	if r := stella(t, []string{"STELLA_PROXIES="}, "version"); r.status != 0 {
		t.Errorf("%+v", r)
	}
}

func TestHelpWithoutCommand(t *testing.T) {
	t.Parallel()
	out := stella(t, nil).succeeds(t)
	if !strings.Contains(out, "stella demo") || !strings.Contains(out, "stella serve") {
		t.Errorf("%s", out)
	}
	if help := stella(t, nil, "help").succeeds(t); help != out {
		t.Errorf("help prints %s", help)
	}
	serve := stella(t, nil, "serve", "--help").succeeds(t)
	if help := stella(t, nil, "help", "serve").succeeds(t); help != serve {
		t.Errorf("help serve prints %s", help)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, ask := range []string{"version", "--version", "-v"} {
		if got := stella(t, nil, ask).succeeds(t); got != "stella "+version+"\n" || version == "" {
			t.Errorf("%s prints %q", ask, got)
		}
	}
}
