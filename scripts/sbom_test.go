package scripts

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stella/store/storetest"
)

// The document lists the modules of the program, and is reproducible.
func TestSBOM(t *testing.T) {
	t.Parallel()
	// A folder with the files that the script reads.
	dir := t.TempDir()
	storetest.Must(t, os.CopyFS(filepath.Join(dir, "scripts"), os.DirFS(".")))
	module, err := os.ReadFile("../go.mod")
	storetest.Must(t, err)
	storetest.Must(t, os.WriteFile(filepath.Join(dir, "go.mod"), module, 0o644))
	program := filepath.Join(dir, "bin/stella")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", program, "../cmd/stella")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	document := func() []byte {
		if out, err := exec.CommandContext(t.Context(), dir+"/scripts/sbom").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		text, err := os.ReadFile(filepath.Join(dir, "bin/stella.cdx.json"))
		storetest.Must(t, err)
		return text
	}
	text := document()
	if again := document(); !slices.Equal(text, again) {
		t.Error("a second run writes a different document")
	}
	var d struct {
		BOMFormat, SpecVersion string
		Metadata               struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version, PURL string }
	}
	storetest.Must(t, json.Unmarshal(text, &d))
	if d.BOMFormat != "CycloneDX" || d.SpecVersion == "" || d.Metadata.Component.Name != "stella" || d.Metadata.Component.Version == "" {
		t.Errorf("%s %s of %+v", d.BOMFormat, d.SpecVersion, d.Metadata.Component)
	}
	info, err := buildinfo.ReadFile(program)
	storetest.Must(t, err)
	want := []string{"std " + info.GoVersion}
	for _, m := range info.Deps {
		want = append(want, m.Path+" "+m.Version)
	}
	var got []string
	for _, c := range d.Components {
		got = append(got, c.Name+" "+c.Version)
		if !strings.HasPrefix(c.PURL, "pkg:golang/"+c.Name+"@"+c.Version) {
			t.Errorf("%s %s is identified by %s", c.Name, c.Version, c.PURL)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the document lists\n%q, the program contains\n%q", got, want)
	}
}
