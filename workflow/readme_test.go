package workflow

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"stella/otp"
)

// The README must state every limit.
func TestLimitsAreDocumented(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("limits.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := []Limit{codesPerAddress, codesPerNetwork, triesPerNetwork, invitationsPerAddress, invitationsPerNetwork, handOffsPerMailbox,
		startsPerNetwork, loginsPerMailbox, loginsPerNetwork, answersPerNetwork, logoutsPerNetwork, callsPerClient}
	if n := len(regexp.MustCompile(`= Limit\{`).FindAll(source, -1)); n != len(all) {
		t.Errorf("limits.go has %d limits, this test %d", n, len(all))
	}
	rows := []string{
		fmt.Sprintf("| `resend_wait` | 1 in %s, %d in %s |", span(otp.Defaults.Every), otp.Defaults.Sends, span(otp.Defaults.Within)),
		fmt.Sprintf("| `code_paused` | %d wrong | codes typed, for a mailbox; then none is taken for %s |",
			otp.Defaults.Wrong, span(otp.Defaults.Pause)),
		fmt.Sprintf("| `invitation_limit` | %d in 24 hours |", InvitationsPerDay),
		fmt.Sprintf("| `contacts_limit` | %d in 24 hours |", contactChangesPerDay),
	}
	for _, l := range all {
		rows = append(rows, fmt.Sprintf("| `%s` | %d in %s |", l.Name, l.Burst, span(l.Span)))
	}
	for _, row := range rows {
		if !strings.Contains(string(readme), "\n"+row) {
			t.Errorf("the README lacks the row %s", row)
		}
	}
}

func span(d time.Duration) string {
	unit, n := "hour", int(d.Hours())
	switch {
	case d < time.Minute:
		unit, n = "second", int(d.Seconds())
	case d < time.Hour:
		unit, n = "minute", int(d.Minutes())
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
