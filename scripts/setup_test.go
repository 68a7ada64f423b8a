package scripts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stella/store/storetest"
)

// A Go that is too old and may not download a newer one is not reported as missing.
func TestSetupReportsGoProblems(t *testing.T) {
	t.Parallel()
	old := t.TempDir()
	storetest.Must(t, os.WriteFile(filepath.Join(old, "go"), []byte("#!/bin/sh\nexit 1\n"), 0o755))
	for name, c := range map[string]struct{ path, sentence string }{
		"missing": {"/bin", "Go is missing: install Go 1."},
		"old":     {old + ":/bin", "this Go is older than 1."},
	} {
		if _, err := os.Stat("/bin/go"); err == nil && name == "missing" {
			continue // this machine has Go in /bin, so it cannot be hidden
		}
		out, status := run(t, []string{"PATH=" + c.path}, "setup")
		if status != 1 || !strings.Contains(out, c.sentence) {
			t.Errorf("%s: status %d: %s", name, status, out)
		}
	}
}
