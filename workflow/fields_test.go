package workflow

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// docs/fields.md must state the actual rules.
func TestRecordRulesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/fields.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf("**Names** on record have at most %d characters", maxName),
		fmt.Sprintf("at most %d, each a person's fiscal code", maxRepresentatives),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/fields.md does not say %q", want)
		}
	}
	for _, s := range Statuses {
		if !strings.Contains(string(text), "`"+string(s)+"`") {
			t.Errorf("docs/fields.md does not name the status %s", s)
		}
	}
}
