package workflow

import (
	"strings"

	"golang.org/x/net/idna"
)

// Readable is an e-mail address as people write it: with its domain in Unicode.
// Addresses are kept and sent to in ASCII, as ParseAddress returns them.
func Readable(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok {
		return address
	}
	readable, err := idna.Display.ToUnicode(domain)
	if err != nil { // what cannot be shown safely stays as it is
		return address
	}
	return local + "@" + readable
}
