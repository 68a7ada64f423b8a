package contact

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// docs/fields.md must state the actual rules.
func TestAddressRulesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/fields.md")
	if err != nil {
		t.Fatal(err)
	}
	var allowed []string
	for r := rune('!'); r <= '~'; r++ {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		if !letter && checkLocal("a"+string(r)) == nil {
			allowed = append(allowed, string(r))
		}
	}
	for _, r := range "._-+'&=" { // in the order of the document
		if len(allowed) != 7 || checkLocal("a"+string(r)) != nil {
			t.Fatalf("accepted before the @: %q", allowed)
		}
	}
	for _, want := range []string{
		"letters, digits and `. _ - + ' & =` before the @",
		fmt.Sprintf("At most %d characters before the @ and %d in all.", maxLocal, maxAddress),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/fields.md does not say %q", want)
		}
	}
}
