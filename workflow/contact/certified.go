package contact

import (
	_ "embed"
	"slices"
	"strings"
)

// certifiedText lists the domains in which all addresses are certified mailboxes.
//
//go:embed certified.txt
var certifiedText string

var certifiedDomains = readDomains(certifiedText)

// readDomains parses one domain per line; # begins a comment.
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

// IsCertified reports whether a domain is known to contain certified mailboxes only. It
// is in the list, or is a subdomain of one in the list, or has a label "pec" or
// "postacert". A name that merely ends with such a label, such as spec.it, does not
// match.
func IsCertified(domain string) bool {
	labels := strings.Split(domain, ".")
	for i := range labels {
		if certifiedDomains[strings.Join(labels[i:], ".")] {
			return true
		}
	}
	return slices.Contains(labels, "pec") || slices.Contains(labels, "postacert")
}
