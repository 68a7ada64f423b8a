package workflow

import (
	"strings"

	"golang.org/x/net/idna"
)

// Readable returns an e-mail address with its domain in Unicode, for display. Addresses
// are stored and used in ASCII, as ParseAddress returns them.
func Readable(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok {
		return address
	}
	readable, err := idna.Display.ToUnicode(domain)
	if err != nil { // a domain that cannot be shown safely stays in ASCII
		return address
	}
	return local + "@" + readable
}
