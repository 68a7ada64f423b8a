package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	written, err := os.ReadFile("../../docs/structure.md")
	must(t, err)
	packages, _, err := list("../..", false)
	must(t, err)
	packages, circle := order(packages)
	if circle != nil {
		t.Errorf("import circle: %v", circle)
	}
	if string(written) != document(packages) {
		t.Error("docs/structure.md is out of date: run make generate")
	}
}

// A small module, from its files to the figures.
func TestFigures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":            "module example\n\ngo 1.26\n",
		"main.go":           "// Command example runs. It does more.\npackage main\n\nimport \"example/low\"\n\nfunc main() { low.A() }\n",
		"low/a.go":          "// Package low is low.\npackage low\n\nimport \"unsafe\"\n\nfunc A() { _ = unsafe.Sizeof(b) }\n",
		"low/b.go":          "package low\n\nvar b int\n",
		"low/b_test.go":     "package low\n\nvar test = b\n",
		"only/only_test.go": "package only\n",
	} {
		must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	must(t, os.Mkdir(filepath.Join(dir, "docs"), 0o755))
	var out strings.Builder
	must(t, run(&out, filepath.Join(dir, "low"), false, false))
	want := `
layer  package  files  lines  code  refs  share  imports
1      low      2      9      5     1     50%    none
2      .        1      6      3     0     -      low
       all 2    3      15     8

Import circle: none
More than 2500 lines of code: none
`
	if out.String() != want[1:] {
		t.Errorf("printed\n%s\nwant%s", out.String(), want)
	}
	must(t, run(&out, dir, false, true))
	written, err := os.ReadFile(filepath.Join(dir, "docs/structure.md"))
	must(t, err)
	for _, row := range []string{"| `low` | is low | none |\n", "| `.` | Command example runs | `low` |\n", "\tp__ --> p_low\n"} {
		if !strings.Contains(string(written), row) {
			t.Errorf("%q is not in\n%s", row, written)
		}
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	base := `package p
		type T struct{ field int }
		type G[E any] struct{ E E }
		func (T) method() {}
		func (G[E]) generic() {}
		const c = 1
		func make() (t struct{ inner int }) { return }`
	for _, c := range []struct {
		other string
		want  int
	}{
		{`package p`, 0},
		{`package p; func f() { c := 2; _ = c }`, 0},            // hides c
		{`package p; type field struct{ method int }`, 0},       // declares the same words
		{`package p; func f(x struct{ c int }) { _ = x.c }`, 0}, // its own field
		{`package p; const d = c + c`, 1},
		{`package p; var t = T{1}`, 1},
		{`package p; var n = make().inner`, 1},
		{`package p; func f(x interface{ method() }) { x.method() }`, 0},
		{`package p; func f[X interface{ generic() }](x X) { x.generic() }; var _ = f[G[int]]`, 1},
	} {
		fset := token.NewFileSet()
		var files []*ast.File
		for name, text := range map[string]string{"a.go": base, "b.go": c.other} {
			file, err := parser.ParseFile(fset, name, text, 0)
			must(t, err)
			files = append(files, file)
		}
		if got, err := references(fset, files, nil); err != nil || got != c.want {
			t.Errorf("%s: %d, %v, want %d", c.other, got, err, c.want)
		}
	}
}

// A field or a method counts even if its type is not named: a value may come from a
// third file.
func TestReferencesToMembers(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	var files []*ast.File
	for name, text := range map[string]string{
		"type.go":  `package p; type T[E any] struct{ field E }; func (T[E]) method() {}`,
		"value.go": `package p; var x T[int]`, // uses type.go
		"field.go": `package p; var y = x.field`,
		"call.go":  `package p; func f() { x.method() }`,
	} {
		file, err := parser.ParseFile(fset, name, text, 0)
		must(t, err)
		files = append(files, file)
	}
	if got, err := references(fset, files, nil); err != nil || got != 5 {
		t.Errorf("%d, %v, want 5", got, err)
	}
}

func TestLinesOfCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text        string
		lines, code int
	}{
		{"package p\n\n// A comment.\nvar x = 1 // one\n", 4, 2},
		{"/* a\n\nb */\npackage p /* c\nd */\n", 5, 1},
		{"package p\n\nvar x = `a\n\n// not a comment\n`\n", 6, 4},
		{"package p\n\nfunc f() {\n\n}\n", 5, 3},
	} {
		if lines, code := countLines([]byte(c.text)); lines != c.lines || code != c.code {
			t.Errorf("%q: %d, %d, want %d, %d", c.text, lines, code, c.lines, c.code)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		imports map[string][]string
		want    []string
		circle  []string
	}{
		{map[string][]string{"a": {"b", "c"}, "b": {"c"}, "c": nil, "d": {"c"}}, []string{"c", "b", "d", "a"}, nil},
		{map[string][]string{"a": {"b"}, "b": {"c", "d"}, "c": {"b"}, "d": nil}, []string{"d", "a", "b", "c"}, []string{"b", "c", "b"}},
	} {
		var packages []*pkg
		for name, imports := range c.imports {
			packages = append(packages, &pkg{name: name, imports: imports})
		}
		sorted, circle := order(packages)
		var names []string
		for _, p := range sorted {
			names = append(names, p.name)
		}
		if !slices.Equal(names, c.want) || !slices.Equal(circle, c.circle) {
			t.Errorf("%v: %v, circle %v, want %v, %v", c.imports, names, circle, c.want, c.circle)
		}
	}
}

// c is reached through b, so a has no arrow to it.
func TestFlowchart(t *testing.T) {
	t.Parallel()
	packages, _ := order([]*pkg{{name: "a/x", imports: []string{"b", "c"}}, {name: "b", imports: []string{"c"}}, {name: "c"}})
	want := "flowchart TD\n\tp_c[\"c\"]\n\tp_b[\"b\"]\n\tp_a_x[\"a/x\"]\n\tp_b --> p_c\n\tp_a_x --> p_b\n"
	if got := flowchart(packages); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
