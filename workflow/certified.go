package workflow

import (
	_ "embed"
	"slices"
	"strings"
)

// certifiedDomains are domains in which all addresses are certified mailboxes.
//
//go:embed certified.txt
var certifiedDomains string

var providersDomains = readDomains(certifiedDomains)

// readDomains reads one domain a line; # begins a comment.
func readDomains(text string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if domain := strings.TrimSpace(line); domain != "" {
			all[domain] = true
		}
	}
	return all
}

// certified reports whether a domain is known for certified mail: one of the
// list or below it, or with a label that is used for nothing else. A domain
// that only ends like one, such as spec.it, is not.
func certified(domain string) bool {
	labels := strings.Split(domain, ".")
	for i := range labels {
		if providersDomains[strings.Join(labels[i:], ".")] {
			return true
		}
	}
	return slices.Contains(labels, "pec") || slices.Contains(labels, "postacert")
}
