package main

import (
	"fmt"
	"strings"

	"stella/workflow"
)

// diagram returns the table as Markdown for docs/workflow.md. Two events with many
// sources are described in words, because their arrows would hide the others.
func diagram() string {
	var b strings.Builder
	b.WriteString(`# The procedure

Made from the table in ` + "`workflow/machine.go`" + ` by ` + "`make generate`" + `; a test fails when it is older.

` + "```mermaid\nstateDiagram-v2\n\t[*] --> " + string(workflow.HolderChoice) + ": opened\n")
	var expire, withdraw []string
	for _, row := range workflow.Events {
		switch workflow.Event(row.Name) {
		case workflow.TimedOut:
			expire = row.Src
			continue
		case workflow.InvitationWithdrawn:
			withdraw = row.Src
			continue
		}
		for _, src := range row.Src {
			fmt.Fprintf(&b, "\t%s --> %s: %s\n", src, row.Dst, row.Name)
		}
	}
	b.WriteString("```\n\nNot drawn:\n\n")
	fmt.Fprintf(&b, "- `%s` leads to `%s`, 30 days after the last step, from %s.\n", workflow.TimedOut, workflow.Expired, list(expire))
	fmt.Fprintf(&b, "- `%s` leads to `%s`, from `%s` and, while the invited holder owns the procedure, from %s.\n",
		workflow.InvitationWithdrawn, workflow.HolderChoice, withdraw[0], list(withdraw[1:]))
	b.WriteString("\n| event | from | to |\n|---|---|---|\n")
	for _, row := range workflow.Events {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", row.Name, list(row.Src), row.Dst)
	}
	return b.String()
}

func list(states []string) string {
	return "`" + strings.Join(states, "`, `") + "`"
}
