package main

import (
	"fmt"
	"path"
	"strings"
)

// document returns docs/structure.md.
func document(packages []*pkg) string {
	var b strings.Builder
	b.WriteString(`# The packages

Made from the code by ` + "`make generate`" + `; a test fails when it is older. ` + "`go run ./scripts/structure`" + ` prints the figures.

A package comes after those that it imports. Imports of tests are not listed. In the diagram an arrow leads from a package to one that it imports; it is not drawn if other arrows lead there too.

` + "```mermaid\n" + flowchart(packages) + "```\n\n| package | what it is or does | imports |\n|---|---|---|\n")
	for _, p := range packages {
		quoted := make([]string, len(p.imports))
		for i, name := range p.imports {
			quoted[i] = "`" + name + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.name, description(p), orNone(quoted, ", "))
	}
	return b.String()
}

// description is the first sentence of the package comment without "Package NAME".
func description(p *pkg) string {
	sentence := p.about
	for _, kind := range []string{"Package ", "Command "} {
		sentence = strings.TrimPrefix(sentence, kind+path.Base(p.name)+" ")
	}
	return strings.ReplaceAll(strings.TrimSuffix(sentence, "."), "|", `\|`)
}
