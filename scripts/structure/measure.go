package main

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// measure counts the lines and the references of packages. compiled has the files with
// the exported types of what they import.
func measure(packages []*pkg, compiled map[string]string) error {
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(compiled[path])
	})
	for _, p := range packages {
		var files []*ast.File
		for _, name := range p.files {
			file := filepath.Join(p.dir, name)
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			lines, code := countLines(text)
			p.lines, p.code = p.lines+lines, p.code+code
			parsed, err := parser.ParseFile(fset, file, text, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			files = append(files, parsed)
		}
		refs, err := references(fset, files, imports)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		p.refs = refs
	}
	return nil
}

// countLines returns the number of lines of a Go file, and of those that are neither
// blank nor only a comment. A blank line in a string is blank.
func countLines(text []byte) (lines, code int) {
	file := token.NewFileSet().AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, 0)
	has := map[int]bool{}
	for {
		pos, kind, literal := s.Scan()
		if kind == token.EOF {
			break
		}
		if kind == token.SEMICOLON && literal == "\n" {
			continue // the scanner inserted it
		}
		first := file.Line(pos)
		for i, line := range strings.Split(literal, "\n") {
			has[first+i] = has[first+i] || literal == "" || strings.TrimSpace(line) != ""
		}
	}
	for _, is := range has {
		if is {
			code++
		}
	}
	return strings.Count(string(text), "\n"), code
}

// references returns the number of ordered pairs of different files in which the first
// names something that the second declares.
func references(fset *token.FileSet, files []*ast.File, imports types.Importer) (int, error) {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: imports}
	checked, err := config.Check("", fset, files, info)
	if err != nil {
		return 0, err
	}
	type pair struct{ user, declarer *token.File }
	found := map[pair]bool{}
	for name, object := range info.Uses {
		if !shared(object, checked) {
			continue
		}
		if p := (pair{fset.File(name.Pos()), fset.File(object.Pos())}); p.user != p.declarer {
			found[p] = true
		}
	}
	return len(found), nil
}

// shared reports whether a package declares an object so that all its files can name
// it: at package level, or as a method or a field.
func shared(object types.Object, in *types.Package) bool {
	if object.Pkg() != in {
		return false
	}
	switch o := object.(type) {
	case *types.Var:
		return o.IsField() || o.Parent() == in.Scope()
	case *types.Func:
		return true
	}
	return object.Parent() == in.Scope()
}

// printFigures prints a row for each package, then what is noticeable.
func printFigures(out io.Writer, packages []*pkg, circle []string) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "layer\tpackage\tfiles\tlines\tcode\trefs\tshare\timports")
	var files, lines, code int
	var big []string
	for _, p := range packages {
		n := len(p.files)
		files, lines, code = files+n, lines+p.lines, code+p.code
		fmt.Fprintf(table, "%d\t%s\t%d\t%d\t%d\t%d\t%s\t%s\n", p.layer, p.name, n, p.lines, p.code,
			p.refs, share(p.refs, n*(n-1)), orNone(p.imports, " "))
		if p.code > large {
			big = append(big, fmt.Sprintf("%s (%d)", p.name, p.code))
		}
	}
	fmt.Fprintf(table, "\tall %d\t%d\t%d\t%d\n", len(packages), files, lines, code)
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\nImport circle: %s\nMore than %d lines of code: %s\n", orNone(circle, " -> "), large, orNone(big, ", "))
	return err
}

func share(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100*float64(n)/float64(of))
}

func orNone(names []string, between string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, between)
}
