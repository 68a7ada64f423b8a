package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stella/store/storetest"
)

// heading matches the heading of a module in the notices.
var heading = regexp.MustCompile(`(?m)^={80}\n(\S+) (\S+)\nLicence: (\S+)\n`)

// The notices list exactly the modules in the program, with their versions.
func TestNoticesListAllModules(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f",
		"{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", ".")
	list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	out, err := list.Output()
	storetest.Must(t, err)
	want := append(strings.Fields("Stella,itself Go,runtime"),
		strings.Split(strings.ReplaceAll(strings.TrimSpace(string(out)), " ", ","), "\n")...)
	slices.Sort(want)
	want = slices.Compact(slices.DeleteFunc(want, func(s string) bool { return s == "" }))

	var got []string
	for _, part := range heading.FindAllStringSubmatch(notices, -1) {
		got = append(got, part[1]+","+part[2])
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the notices list\n%q, the program contains\n%q: run \"go generate ./cmd/stella\"", got, want)
	}
}

func TestLicencesAreAllowed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../scripts/licences/allowed.json")
	storetest.Must(t, err)
	var allowed struct{ Allowlist []string }
	storetest.Must(t, json.Unmarshal(text, &allowed))
	parts := heading.FindAllStringSubmatchIndex(notices, -1)
	for i, at := range parts {
		name, licence := notices[at[2]:at[3]], notices[at[6]:at[7]]
		if !slices.Contains(allowed.Allowlist, licence) {
			t.Errorf("the licence of %s is %s", name, licence)
		}
		end := len(notices)
		if i+1 < len(parts) {
			end = parts[i+1][0]
		}
		if len(notices[at[1]:end]) < 500 {
			t.Errorf("%s has no text: %s", name, notices[at[0]:end])
		}
	}
	if out := stella(t, nil, "licenses").succeeds(t); out != notices {
		t.Errorf("the command prints %d of %d bytes", len(out), len(notices))
	}
	own, err := os.ReadFile("../../LICENSE")
	storetest.Must(t, err)
	if !strings.Contains(notices, string(own)) {
		t.Error("Stella's own licence is missing")
	}
}
