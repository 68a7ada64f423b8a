package workflow_test

import (
	"os"
	"regexp"
	"testing"

	"stella/workflow"
)

// A kind without an entry in MailTypes would never be sent.
func TestEveryKindOfMailHasAType(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("mail.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`MailKind = "(\w+)"`).FindAllSubmatch(source, -1)
	if len(kinds) == 0 {
		t.Error("found no kinds")
	}
	for _, k := range kinds {
		if workflow.MailKind(k[1]).Type().Lifetime == 0 {
			t.Errorf("%s has no entry in MailTypes", k[1])
		}
	}
}
