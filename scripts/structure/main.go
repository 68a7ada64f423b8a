// Command structure prints the packages of the module, their size and their imports.
// Tests are not counted, and files for other systems are not read.
//
//	go run ./scripts/structure         the figures
//	go run ./scripts/structure -dot    the graph of the imports, as a Mermaid flowchart
//	go run ./scripts/structure -write  write docs/structure.md
//
// A package comes after those that it imports. Its layer is 1 if it imports none of
// ours, else one more than the highest layer among its imports.
//
// "refs" counts how much the files of a package depend on each other. It is the number
// of pairs (A, B) in which file A names something that file B declares at package
// level, a method or a field. "share" compares it with all pairs of different files.
//
//   - main.go: the commands, and the packages as the go command lists them
//   - measure.go: counts and prints lines and references
//   - graph.go: layers, circles and the flowchart
//   - document.go: docs/structure.md, which has no figures, so that it changes only
//     with the packages, their first sentences and their imports
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:generate go run . -write

// large is the number of lines of code above which a package is named at the end.
const large = 2500

// pkg is a package of the module.
type pkg struct {
	name    string // its path below the module
	about   string // the first sentence of its comment
	dir     string
	files   []string
	imports []string // names
	layer   int      // from order; 0 in a circle

	lines, code int // from measure
	refs        int
}

func main() {
	dot := flag.Bool("dot", false, "print the graph as a Mermaid flowchart")
	write := flag.Bool("write", false, "write docs/structure.md")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("structure: ")
	if err := run(os.Stdout, ".", *dot, *write); err != nil {
		log.Fatal(err)
	}
}

// run describes the module that contains a folder.
func run(out io.Writer, dir string, dot, write bool) error {
	root, err := moduleRoot(dir)
	if err != nil {
		return err
	}
	packages, compiled, err := list(root, !dot && !write)
	if err != nil {
		return err
	}
	packages, circle := order(packages)
	switch {
	case dot:
		_, err = io.WriteString(out, flowchart(packages))
	case write:
		err = os.WriteFile(filepath.Join(root, "docs", "structure.md"), []byte(document(packages)), 0o644)
	default:
		if err = measure(packages, compiled); err == nil {
			err = printFigures(out, packages, circle)
		}
	}
	return err
}

func moduleRoot(dir string) (string, error) {
	mod, err := goCommand(dir, "env", "GOMOD")
	if err != nil {
		return "", err
	}
	file := strings.TrimSpace(string(mod))
	if file == "" || file == os.DevNull {
		return "", errors.New("not in a module")
	}
	return filepath.Dir(file), nil
}

// list returns the packages of a module that contain more than tests. If compile is
// true, it also returns the file with the exported types of each package that they
// import, by its full path.
func list(root string, compile bool) (packages []*pkg, compiled map[string]string, err error) {
	arguments := []string{"list", "-json=ImportPath,Dir,Doc,GoFiles,Imports,Module,Export"}
	if compile {
		arguments = append(arguments, "-export", "-deps")
	}
	text, err := goCommand(root, append(arguments, "./...")...)
	if err != nil {
		return nil, nil, err
	}
	compiled = map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var p struct {
			ImportPath, Dir, Doc, Export string
			GoFiles, Imports             []string
			Module                       *struct {
				Path string
				Main bool
			}
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, compiled, nil
		} else if err != nil {
			return nil, nil, err
		}
		compiled[p.ImportPath] = p.Export
		if p.Module == nil || !p.Module.Main || len(p.GoFiles) == 0 {
			continue
		}
		ours := func(path string) (string, bool) {
			if path == p.Module.Path {
				return ".", true
			}
			return strings.CutPrefix(path, p.Module.Path+"/")
		}
		name, _ := ours(p.ImportPath)
		found := &pkg{name: name, about: p.Doc, dir: p.Dir, files: p.GoFiles}
		for _, path := range p.Imports {
			if name, ok := ours(path); ok {
				found.imports = append(found.imports, name)
			}
		}
		packages = append(packages, found)
	}
}

func goCommand(dir string, arguments ...string) ([]byte, error) {
	command := exec.Command("go", arguments...)
	command.Dir = dir
	var problems strings.Builder
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", arguments[0], err, problems.String())
	}
	return out, nil
}
