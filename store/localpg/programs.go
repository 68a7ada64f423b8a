package localpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const oldest = 14 // the first major version with all we use

// programsFor returns the folder of the PostgreSQL programs to run on data:
// for a cluster those of its own major version, as no other can read it, else
// the first found.
func programsFor(ctx context.Context, data string, who account) (string, error) {
	var want int
	b, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err == nil {
		if want, err = strconv.Atoi(strings.TrimSpace(string(b))); err != nil {
			return "", fmt.Errorf("reading PG_VERSION: %w", err)
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := who.mayEnter(filepath.Dir(data)); err != nil {
		return "", err
	}
	var found []string
	for _, bin := range installed() {
		major, err := majorOf(ctx, bin, who)
		if err != nil {
			return "", fmt.Errorf("asking the version of the programs in %s: %w", bin, err)
		}
		if major == want || want == 0 && major >= oldest {
			return bin, nil
		}
		found = append(found, fmt.Sprintf("%d in %s", major, bin))
	}
	if want != 0 {
		return "", fmt.Errorf("the cluster is of PostgreSQL %d, and these are installed: %s. Install PostgreSQL %[1]d, or move the cluster with pg_upgrade; nothing was changed",
			want, cmp.Or(strings.Join(found, ", "), "none"))
	}
	return "", notInstalled(found)
}

func notInstalled(found []string) error {
	return fmt.Errorf("no PostgreSQL %d or newer is installed (found: %s). Install its server programs, initdb and postgres (on Debian: apt install postgresql), or name a database in STELLA_DATABASE_URL",
		oldest, cmp.Or(strings.Join(found, ", "), "none"))
}

// installed lists the folders that hold both programs: what PATH says, which
// somebody chose, then where packages put them, newest first.
func installed() []string {
	var bins []string
	for _, name := range []string{"initdb", "postgres"} {
		if p, err := exec.LookPath(name); err == nil {
			if p, err = filepath.EvalSymlinks(p); err == nil {
				bins = append(bins, filepath.Dir(p))
			}
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                   // postgresql.org for Red Hat
		"/usr/libexec/postgresql*",           // Alpine
		"/opt/homebrew/opt/postgresql@*/bin", // Homebrew
		"/usr/local/opt/postgresql@*/bin",    // Homebrew on Intel
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		dirs, _ := filepath.Glob(pattern) // fails on a bad pattern only
		slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(number(b), number(a)) })
		bins = append(bins, dirs...)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(bins, func(bin string) bool {
		if seen[bin] {
			return true
		}
		seen[bin] = true
		for _, name := range []string{"initdb", "postgres"} {
			if _, err := exec.LookPath(filepath.Join(bin, name)); err != nil {
				return true
			}
		}
		return false
	})
}

var digits = regexp.MustCompile(`\d+`)

// number is the first number in s: the major version in a path or an answer.
func number(s string) int {
	n, _ := strconv.Atoi(digits.FindString(s))
	return n
}

// majorOf asks the server program, which answers "postgres (PostgreSQL) 15.14".
func majorOf(ctx context.Context, bin string, who account) (int, error) {
	out, err := who.command(ctx, "/", filepath.Join(bin, "postgres"), "--version").Output()
	return number(string(out)), err
}
