package main

import (
	"fmt"
	"strings"

	"stella/workflow/qualification"
)

// diagram returns the table as Markdown for docs/workflow.md. Two events with many
// sources are described in words, because their arrows would hide the others.
func diagram() string {
	var b strings.Builder
	b.WriteString(`# The procedure

Made from the table in ` + "`workflow/qualification/machine.go`" + ` by ` + "`make generate`" + `; a test fails when it is older.

` + "```mermaid\nstateDiagram-v2\n\t[*] --> " + string(qualification.HolderChoice) + ": opened\n")
	var expire, withdraw []qualification.State
	for _, t := range qualification.Transitions {
		switch t.Event {
		case qualification.TimedOut:
			expire = t.From
			continue
		case qualification.InvitationWithdrawn:
			withdraw = t.From
			continue
		}
		for _, from := range t.From {
			fmt.Fprintf(&b, "\t%s --> %s: %s\n", from, t.To, t.Event)
		}
	}
	b.WriteString("```\n\nNot drawn:\n\n")
	fmt.Fprintf(&b, "- `%s` leads to `%s`, 30 days after the last step, from %s.\n", qualification.TimedOut, qualification.Expired, list(expire))
	fmt.Fprintf(&b, "- `%s` leads to `%s`, from `%s` and, while the invited holder owns the procedure, from %s.\n",
		qualification.InvitationWithdrawn, qualification.HolderChoice, withdraw[0], list(withdraw[1:]))
	b.WriteString("\n| event | from | to | when |\n|---|---|---|---|\n")
	for _, t := range qualification.Transitions {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", t.Event, list(t.From), t.To, t.Why)
	}
	return b.String()
}

func list(states []qualification.State) string {
	quoted := make([]string, len(states))
	for i, s := range states {
		quoted[i] = "`" + string(s) + "`"
	}
	return strings.Join(quoted, ", ")
}
