package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// order sorts packages by layer and name, and sets their layers. If they contain an
// import circle, it also returns one, from a package back to the same package. The
// packages without a layer are then the last.
func order(packages []*pkg) (sorted []*pkg, circle []string) {
	rest := slices.SortedFunc(slices.Values(packages), func(a, b *pkg) int { return cmp.Compare(a.name, b.name) })
	layers := map[string]int{}
	ready := func(p *pkg) bool {
		return !slices.ContainsFunc(p.imports, func(name string) bool { return layers[name] == 0 })
	}
	for layer := 1; len(rest) > 0; layer++ {
		var next, later []*pkg
		for _, p := range rest {
			if ready(p) {
				next = append(next, p)
			} else {
				later = append(later, p)
			}
		}
		if len(next) == 0 {
			return append(sorted, rest...), circleIn(rest)
		}
		for _, p := range next {
			p.layer, layers[p.name] = layer, layer
		}
		sorted, rest = append(sorted, next...), later
	}
	return sorted, nil
}

// circleIn follows imports until a package comes again. Each package must import
// another one of them.
func circleIn(packages []*pkg) []string {
	var path []string
	for p := packages[0]; ; {
		if i := slices.Index(path, p.name); i >= 0 {
			return append(path[i:], p.name)
		}
		path = append(path, p.name)
		for _, other := range packages {
			if slices.Contains(p.imports, other.name) {
				p = other
				break
			}
		}
	}
}

// flowchart returns the graph as Mermaid. An arrow leads from a package to one that it
// imports. It is omitted if other arrows lead there too, because all would hide the
// layers. A circle cannot be drawn that way: then all arrows are there.
func flowchart(packages []*pkg) string {
	reached := map[string]map[string]bool{} // what a package imports, and what these import
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	for _, p := range packages { // after its imports
		fmt.Fprintf(&b, "\t%s[\"%s\"]\n", node(p.name), p.name)
		reached[p.name] = map[string]bool{}
		for _, i := range p.imports {
			reached[p.name][i] = true
			for below := range reached[i] {
				reached[p.name][below] = true
			}
		}
	}
	for _, p := range packages {
		for _, i := range p.imports {
			around := func(other string) bool { return other != i && reached[other][i] }
			if p.layer == 0 || !slices.ContainsFunc(p.imports, around) {
				fmt.Fprintf(&b, "\t%s --> %s\n", node(p.name), node(i))
			}
		}
	}
	return b.String()
}

// node is the name of a package in Mermaid, in which other characters have a meaning.
func node(name string) string {
	return "p_" + strings.NewReplacer("/", "_", ".", "_", "-", "_").Replace(name)
}
