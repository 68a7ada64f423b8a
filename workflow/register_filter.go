package workflow

import "slices"

// Choose restricts a filter to mailboxes with the given status and public state; ""
// matches any. It returns false if nothing can match: the public state of a mailbox
// that is not active is always PublicNotEligible.
func Choose(f *RegisterFilter, status Status, public PublicState) bool {
	f.Statuses = slices.DeleteFunc(slices.Clone(Statuses), func(s Status) bool {
		return status != "" && s != status || public != "" && (s == Active) == (public == PublicNotEligible)
	})
	if public != "" && public != PublicNotEligible {
		for _, s := range append([]State{""}, States...) {
			if s.Public() == public {
				f.States = append(f.States, string(s))
			}
		}
	}
	return len(f.Statuses) > 0
}
