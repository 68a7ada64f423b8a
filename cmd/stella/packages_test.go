package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"stella/store/storetest"
)

// mayImport lists the packages of this module that each package may import, without
// its tests. Packages of the program may import all of them.
var mayImport = map[string][]string{
	"web":                            {"workflow", "workflow/contact", "workflow/qualification", "spid", "templates", "middleware"},
	"web/webtest":                    {},
	"api":                            {"workflow", "workflow/contact", "workflow/qualification", "client", "middleware", "webhook"},
	"middleware":                     {},
	"store":                          {"workflow", "workflow/qualification"},
	"store/localpg":                  {},
	"store/pgproxy":                  {},
	"store/storetest":                {"store", "store/localpg", "workflow", "workflow/qualification", "otp"},
	"mail":                           {"workflow", "workflow/contact", "templates"},
	"mail/mailtest":                  {},
	"webhook":                        {"workflow", "client"},
	"client":                         {},
	"workflow":                       {"otp", "workflow/contact", "workflow/fiscal"},
	"workflow/contact":               {},
	"workflow/fiscal":                {},
	"workflow/qualification":         {"workflow", "workflow/contact", "workflow/fiscal", "otp"},
	"workflow/qualification/diagram": {"workflow/qualification"},
	"spid":                           {},
	"spid/spidtest":                  {"spid"},
	"otp":                            {},
	"templates":                      {},
	"cmd/stella/config":              nil,
	"cmd/stella/mailboxfile":         nil,
	"cmd/stella/service":             nil,
	"cmd/stella/programtest":         nil,
	"cmd/stella":                     nil,
	"cmd/stella/demo":                nil,
	"cmd/stella-bench":               {"client", "cmd/stella-bench/floor", "mail/mailtest", "spid/spidtest", "store/localpg", "store/pgproxy", "web/webtest"},
	"cmd/stella-bench/floor":         {},
	"scripts/plain":                  {},
	"scripts/structure":              {},
	"e2e/torture":                    {"client", "mail/mailtest", "spid", "spid/spidtest", "store/localpg", "templates", "web/webtest", "workflow", "workflow/fiscal", "workflow/qualification"},
}

// mayNotImport lists other packages that a package must not import, with the packages
// below them.
var mayNotImport = map[string][]string{
	"workflow":               notInWorkflow,
	"workflow/contact":       notInWorkflow,
	"workflow/qualification": notInWorkflow,
	"otp":                    {"net/http", "database/sql", "os"},
	"spid":                   {"database/sql", "github.com/jackc", "github.com/wneessen"},
	"templates":              {"database/sql", "github.com/jackc", "net/smtp"},
	"web":                    {"github.com/jackc", "github.com/riverqueue", "github.com/wneessen", "database/sql"},
	"api":                    {"github.com/jackc", "github.com/riverqueue", "github.com/wneessen", "database/sql"},
	"mail":                   {"github.com/jackc", "database/sql"},
	"webhook":                {"github.com/jackc", "database/sql"},
	"client":                 {"github.com", "golang.org", "filippo.io", "pgregory.net"}, // only the standard library
	"store":                  {"net/smtp", "github.com/wneessen", "github.com/crewjam"},
}

// testKits are the packages that only tests may import, and the programs that see Stella
// from outside.
var testKits = []string{"store/storetest", "cmd/stella/programtest", "web/webtest", "e2e/torture"}

// outside are the programs that see Stella from outside.
var outside = []string{"cmd/stella-bench"}

var notInWorkflow = []string{"net/http", "net/smtp", "html/template", "database/sql", "encoding/xml", "github.com/jackc",
	"github.com/riverqueue", "github.com/wneessen", "github.com/crewjam", "github.com/russellhaering", "github.com/beevik"}

// wrongImports returns the imports in a module that the tables do not allow, and the
// packages that it has seen.
func wrongImports(module fs.FS) (wrong []string, seen map[string]bool, err error) {
	seen = map[string]bool{}
	err = fs.WalkDir(module, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := path.Base(file); base != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) ||
				base == "testdata" || base == "node_modules" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		content, err := fs.ReadFile(module, file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, content, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from := path.Dir(file)
		allowed, known := mayImport[from]
		if !known && !seen[from] {
			wrong = append(wrong, from+" is not in the table")
		}
		seen[from] = true
		for _, i := range parsed.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			ours, ok := strings.CutPrefix(name, "stella/")
			if ok && !ofTheProgram(from) && !slices.Contains(allowed, ours) ||
				slices.Contains(testKits, ours) && !slices.Contains(append(outside, testKits...), from) {
				wrong = append(wrong, file+" imports "+ours)
			}
			for _, other := range mayNotImport[from] {
				if name == other || strings.HasPrefix(name, other+"/") {
					wrong = append(wrong, file+" imports "+name)
				}
			}
		}
		return nil
	})
	return wrong, seen, err
}

// ofTheProgram reports whether a package is a part of the program stella only.
func ofTheProgram(name string) bool {
	return name == "cmd/stella" || strings.HasPrefix(name, "cmd/stella/")
}

func TestAllowedImports(t *testing.T) {
	t.Parallel()
	wrong, seen, err := wrongImports(os.DirFS("../.."))
	storetest.Must(t, err)
	for _, w := range wrong {
		t.Error(w)
	}
	for p := range mayImport {
		if !seen[p] {
			t.Errorf("the table contains %s, which is not a package", p)
		}
	}
}

// wrongImports finds a forbidden import.
func TestForbiddenImportIsFound(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	wrong, _, err := wrongImports(fstest.MapFS{
		"workflow/a.go":         file(`package workflow; import ("stella/store"; "net/http"; "net/mail"; "stella/otp")`),
		"workflow/a_test.go":    file(`package workflow; import "stella/store"`),
		"web/a.go":              file(`package web; import ("stella/workflow"; p "stella/store/localpg"; "github.com/jackc/pgx/v5")`),
		"cmd/stella/a.go":       file(`package main; import ("stella/store"; "stella/store/storetest"; "stella/web")`),
		"cmd/stella-bench/a.go": file(`package main; import ("stella/web/webtest"; "stella/workflow")`),
		"helpers/a.go":          file(`package helpers`),
		"root.go":               file(`package stella`),
		"spid/testdata/a.go":    file(`package spid; import "stella/store"`),
		"e2e/node_modules/a.go": file(`not even Go`),
	})
	storetest.Must(t, err)
	want := []string{"helpers is not in the table", ". is not in the table",
		"cmd/stella/a.go imports store/storetest", "cmd/stella-bench/a.go imports workflow", "web/a.go imports store/localpg", "web/a.go imports github.com/jackc/pgx/v5",
		"workflow/a.go imports store", "workflow/a.go imports net/http"}
	slices.Sort(want)
	slices.Sort(wrong)
	if !slices.Equal(wrong, want) {
		t.Errorf("found\n%q, want\n%q", wrong, want)
	}
}
