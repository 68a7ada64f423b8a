package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A package comment that lists its files is the map of the package: it must name each
// file, and no other. Files for one operating system count as one.
func TestPackageCommentsNameTheirFiles(t *testing.T) {
	t.Parallel()
	packages, _, err := list("../..", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		dir := p.dir
		text := packageComment(t, dir)
		var named []string
		for _, match := range fileName.FindAllStringSubmatch(text, -1) {
			named = append(named, match[1])
		}
		if len(named) == 0 {
			continue
		}
		for _, n := range named {
			if _, err := os.Stat(filepath.Join(dir, n)); err != nil {
				t.Errorf("%s: the comment names %s, which does not exist", p.name, n)
			}
		}
		for _, f := range p.files {
			f = filepath.Base(f)
			content, err := os.ReadFile(filepath.Join(dir, f))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(named, f) && !strings.Contains(string(content), "\n// Package ") &&
				!strings.HasPrefix(string(content), "// Package ") && !system.MatchString(f) && f != "main.go" {
				t.Errorf("%s: the comment does not name %s", p.name, f)
			}
		}
	}
}

var (
	fileName = regexp.MustCompile(`(?:^|[^/\w])([a-z][a-z0-9_]*\.go)\b`)
	system   = regexp.MustCompile(`_(linux|other|unix|darwin|windows)\.go$`)
)

// packageComment returns the comment of a package with its file list.
func packageComment(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		before, _, _ := strings.Cut(string(content), "\npackage ")
		if i := strings.Index("\n"+before, "\n// Package "); i >= 0 && !strings.HasSuffix(f, "_test.go") {
			return before
		}
		if i := strings.Index("\n"+before, "\n// Command "); i >= 0 {
			return before
		}
	}
	return ""
}
