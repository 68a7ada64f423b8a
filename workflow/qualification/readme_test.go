package qualification

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"stella/otp"
)

// declaredLimit matches a limit in the source: its name, burst, and number and unit of
// the span.
var declaredLimit = regexp.MustCompile(`Limit\{Name: "(\w+)", Burst: (\d+), Span: (?:(\d+) \* )?time\.(\w+)\}`)

// The README must state every limit.
func TestLimitsAreDocumented(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := []string{
		fmt.Sprintf("| `resend_wait` | 1 in %s, %d in %s |", span(otp.Defaults.Every), otp.Defaults.Sends, span(otp.Defaults.Within)),
		fmt.Sprintf("| `code_paused` | %d wrong | codes typed, for a mailbox; then none is taken for %s |",
			otp.Defaults.Wrong, span(otp.Defaults.Pause)),
		fmt.Sprintf("| `invitation_limit` | %d in 24 hours |", InvitationsPerDay),
		fmt.Sprintf("| `contacts_limit` | %d in 24 hours |", contactChangesPerDay),
	}
	for _, file := range []string{"../limits.go", "limits.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := declaredLimit.FindAllStringSubmatch(string(source), -1)
		if n := strings.Count(string(source), "Limit{Name"); n == 0 || n != len(found) {
			t.Errorf("%s: %d of %d limits can be read", file, len(found), n)
		}
		for _, l := range found {
			n, unit := cmp.Or(l[3], "1"), strings.ToLower(l[4])
			if n != "1" {
				unit += "s"
			}
			rows = append(rows, fmt.Sprintf("| `%s` | %s in %s %s |", l[1], l[2], n, unit))
		}
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
