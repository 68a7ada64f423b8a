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

const minVersion = 14 // the first major version with all features we use

// programsFor returns the folder of the PostgreSQL programs to run on data. An
// existing cluster needs the programs of its own major version, because no other
// version can read it. For a new cluster it returns the first suitable folder.
func programsFor(ctx context.Context, data string, acct account) (string, error) {
	var want int
	b, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err == nil {
		if want, err = strconv.Atoi(strings.TrimSpace(string(b))); err != nil {
			return "", fmt.Errorf("reading PG_VERSION: %w", err)
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := acct.checkAccess(filepath.Dir(data)); err != nil {
		return "", err
	}
	var found []string
	for _, bin := range installed() {
		major, err := majorOf(ctx, bin, acct)
		if err != nil {
			return "", fmt.Errorf("asking the version of the programs in %s: %w", bin, err)
		}
		if major == want || want == 0 && major >= minVersion {
			return bin, nil
		}
		found = append(found, fmt.Sprintf("%d in %s", major, bin))
	}
	if want != 0 {
		return "", fmt.Errorf("the cluster is of PostgreSQL %d, and these are installed: %s. "+
			"Install PostgreSQL %[1]d, or move the cluster with pg_upgrade; nothing was changed",
			want, cmp.Or(strings.Join(found, ", "), "none"))
	}
	return "", notInstalled(found)
}

func notInstalled(found []string) error {
	return fmt.Errorf("no PostgreSQL %d or newer is installed (found: %s). Install its server programs, initdb and postgres "+
		"(on Debian: apt install postgresql), or name a database in STELLA_DATABASE_URL",
		minVersion, cmp.Or(strings.Join(found, ", "), "none"))
}

// installed lists the folders that contain both programs. The folders in PATH come
// first, because the user chose them; then the usual folders of packages, newest
// version first.
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
		dirs, _ := filepath.Glob(pattern) // fails only if the pattern is malformed
		slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(firstNumber(b), firstNumber(a)) })
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

// firstNumber returns the first number in s, or 0. In a path or in the output of
// "postgres --version" it is the major version.
func firstNumber(s string) int {
	n, _ := strconv.Atoi(digits.FindString(s))
	return n
}

// majorOf returns the major version of the programs in bin. The server program prints
// for example "postgres (PostgreSQL) 15.14".
func majorOf(ctx context.Context, bin string, acct account) (int, error) {
	out, err := acct.command(ctx, "/", filepath.Join(bin, "postgres"), "--version").Output()
	return firstNumber(string(out)), err
}
