package qualification

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// docs/fields.md must state the actual rules.
func TestCompanyNameIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/fields.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("| 2 to %d characters |", maxCompanyName); !strings.Contains(string(text), want) {
		t.Errorf("docs/fields.md does not say %q", want)
	}
}
