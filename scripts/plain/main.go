// Command plain measures how plainly the comments of the repository are written.
// Some words make a comment hard to read for engineers who learnt English at work:
// one verb for "returns", "reports" and "logs", a place for a condition, a vague
// person for "the user". habits lists them.
// It prints how often they occur in 1,000 words of comments, by package, and exits
// with status 1 if the repository as a whole is above a limit.
//
//	go run ./scripts/plain       figures by package
//	go run ./scripts/plain -v    also each place, as file:line: sentence
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// habit is a way of writing that is counted in comments.
type habit struct {
	name  string
	words *regexp.Regexp
	limit float64 // per 1,000 words
}

var habits = []habit{
	{"tell", regexp.MustCompile(`(?i)\b(tell|tells|telling|told)\b`), 0.5},
	{"where", regexp.MustCompile(`(?i)\bwhere\b`), 1.2},
	{"whoever", regexp.MustCompile(`(?i)\b(whoever|whomever|nobody|somebody)\b`), 0.6},
	{"Of", regexp.MustCompile(`(^|[.;:!?] )Of `), 0},
}

const (
	longLine      = 140 // characters
	longLineLimit = 3.0 // in 1,000 lines of Go
)

// figures are the counts of a package.
type figures struct {
	words, lines, long int
	found              []int // by habit
}

func main() {
	verbose := flag.Bool("v", false, "print each place")
	flag.Parse()
	packages := map[string]*figures{}
	total := &figures{found: make([]int, len(habits))}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "node_modules" || name == "testdata" || name != "." && strings.HasPrefix(name, ".") {
				return fs.SkipDir
			}
			return nil
		}
		read := readers[filepath.Ext(path)]
		if read == nil || strings.HasPrefix(path, "bin/") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		p := packages[filepath.Dir(path)]
		if p == nil {
			p = &figures{found: make([]int, len(habits))}
			packages[filepath.Dir(path)] = p
		}
		p.count(path, string(text), read, *verbose)
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "plain:", err)
		os.Exit(2)
	}
	fmt.Printf("%-24s%8s", "package", "words")
	for _, h := range habits {
		fmt.Printf("%9s", h.name)
	}
	fmt.Printf("%9s\n", "long")
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		packages[name].print(name)
		total.add(packages[name])
	}
	total.print("all")
	fmt.Printf("%-32s", "limit")
	for _, h := range habits {
		fmt.Printf("%9.1f", h.limit)
	}
	fmt.Printf("%9.1f\n", longLineLimit)
	if !total.plain() {
		os.Exit(1)
	}
}

// readers return the comment of a line, or an empty string, by the extension of the
// file. Adjacent comment lines are one text.
var readers = map[string]func(line string) string{
	".go":  goComment,
	".mjs": goComment,
	".js":  goComment,
	".sql": func(line string) string { return after(line, "--") },
	".sh":  hashComment,
	"":     hashComment, // scripts, Makefile, Dockerfile
}

func (f *figures) count(path, text string, read func(string) string, verbose bool) {
	script := strings.HasPrefix(text, "#")
	if filepath.Ext(path) == "" && !script || strings.HasPrefix(text, "// Code generated") {
		return
	}
	var block strings.Builder
	start := 0
	flush := func() {
		words := strings.TrimSpace(block.String())
		block.Reset()
		f.words += len(strings.Fields(words))
		for i, h := range habits {
			n := len(h.words.FindAllString(words, -1))
			f.found[i] += n
			if n > 0 && verbose {
				fmt.Printf("%s:%d: %s: %s\n", path, start, h.name, words)
			}
		}
	}
	for n, line := range strings.Split(text, "\n") {
		if filepath.Ext(path) == ".go" {
			f.lines++
			if utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")) > longLine {
				f.long++
				if verbose {
					fmt.Printf("%s:%d: long\n", path, n+1)
				}
			}
		}
		comment := read(line)
		if comment == "" {
			flush()
			continue
		}
		if block.Len() == 0 {
			start = n + 1
		}
		block.WriteString(comment + " ")
	}
	flush()
}

func (f *figures) add(o *figures) {
	f.words, f.lines, f.long = f.words+o.words, f.lines+o.lines, f.long+o.long
	for i := range f.found {
		f.found[i] += o.found[i]
	}
}

// rate is how often a habit occurs in 1,000 words.
func (f *figures) rate(i int) float64 { return per1000(f.found[i], f.words) }

func (f *figures) plain() bool {
	for i, h := range habits {
		if f.rate(i) > h.limit {
			return false
		}
	}
	return per1000(f.long, f.lines) < longLineLimit
}

func (f *figures) print(name string) {
	fmt.Printf("%-24s%8d", name, f.words)
	for i := range habits {
		fmt.Printf("%9.1f", f.rate(i))
	}
	fmt.Printf("%9.1f\n", per1000(f.long, f.lines))
}

func per1000(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return 1000 * float64(n) / float64(of)
}

// goComment returns the text after //. It returns an empty string for a directive
// (//go:embed), a URL and a string.
func goComment(line string) string {
	trimmed := strings.TrimSpace(line)
	if strings.HasPrefix(trimmed, "//") {
		if rest := trimmed[2:]; rest == "" || rest[0] == ' ' || rest[0] == '\t' {
			return strings.TrimSpace(rest)
		}
		return ""
	}
	_, comment, found := strings.Cut(line, " // ")
	if !found || strings.ContainsAny(comment, "`\"") && strings.Count(line[:len(line)-len(comment)], `"`)%2 == 1 {
		return ""
	}
	return comment
}

func hashComment(line string) string {
	if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "# ") || strings.HasPrefix(trimmed, "#\t") {
		return strings.TrimSpace(trimmed[1:])
	}
	return after(line, " # ")
}

func after(line, mark string) string {
	_, comment, _ := strings.Cut(line, mark)
	return strings.TrimSpace(comment)
}
