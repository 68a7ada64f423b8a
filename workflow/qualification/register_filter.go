package qualification

import (
	"slices"

	"stella/workflow"
)

// Choose restricts a filter to mailboxes with the given status and public state; ""
// matches any. It returns false if nothing can match: the public state of a mailbox
// that is not active is always PublicNotEligible.
func Choose(f *workflow.RegisterFilter, status workflow.Status, public workflow.PublicState) bool {
	f.Statuses = slices.DeleteFunc(slices.Clone(workflow.Statuses), func(s workflow.Status) bool {
		return status != "" && s != status || public != "" && (s == workflow.Active) == (public == workflow.PublicNotEligible)
	})
	if public != "" && public != workflow.PublicNotEligible {
		for _, s := range append([]State{""}, States...) {
			if s.Public() == public {
				f.States = append(f.States, string(s))
			}
		}
	}
	return len(f.Statuses) > 0
}
