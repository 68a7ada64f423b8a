// Package scripts contains the tests of the scripts in this folder.
package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"stella/store/storetest"
)

// run runs a script, and returns its output and exit status.
func run(t *testing.T, env []string, name string, args ...string) (string, int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "./"+name, args...)
	c.Env = append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return string(out), c.ProcessState.ExitCode()
}

// vulnerability is an entry of the vulnerability database, for a function that package
// otp calls.
const vulnerability = `{"schema_version": "1.3.1", "id": "GO-2000-0001",
	"modified": "2026-01-01T00:00:00Z", "published": "2026-01-01T00:00:00Z",
	"details": "An example.", "affected": [{"package": {"name": "stdlib", "ecosystem": "Go"},
	"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
	"ecosystem_specific": {"imports": [{"path": "crypto/hmac", "symbols": ["New"]}]}}],
	"database_specific": {"url": "https://pkg.go.dev/vuln/GO-2000-0001"}}`

// database creates a vulnerability database with this list of modules. It returns the
// variable that names it.
func database(t *testing.T, modules string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"index/db.json":        `{"modified": "2026-01-01T00:00:00Z"}`,
		"index/modules.json":   modules,
		"ID/GO-2000-0001.json": vulnerability,
	} {
		storetest.Must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		storetest.Must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return "GOVULNDB=file://" + dir
}

func TestVulnerabilityFails(t *testing.T) {
	t.Parallel()
	db := database(t, `[{"path": "stdlib", "vulns": [{"id": "GO-2000-0001", "modified": "2026-01-01T00:00:00Z"}]}]`)
	out, status := run(t, []string{db}, "vulncheck", "./otp")
	if status == 0 || !strings.Contains(out, "GO-2000-0001") || !strings.Contains(out, "hmac.New") {
		t.Errorf("status %d: %s", status, out)
	}
}

func TestNoVulnerabilityPasses(t *testing.T) {
	t.Parallel()
	out, status := run(t, []string{database(t, `[]`)}, "vulncheck", "./otp")
	if status != 0 || !strings.Contains(out, "No vulnerabilities found") {
		t.Errorf("status %d: %s", status, out)
	}
}

func TestUnreachableDatabaseIsReported(t *testing.T) {
	t.Parallel()
	out, status := run(t, []string{"GOVULNDB=https://127.0.0.1:1"}, "vulncheck", "./otp")
	if status != 0 || !strings.Contains(out, "NOT CHECKED") || !strings.Contains(out, "https://127.0.0.1:1") {
		t.Errorf("status %d: %s", status, out)
	}
}
