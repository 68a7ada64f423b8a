package qualification

import "github.com/google/uuid"

// StaleError is returned for a form that was made for an earlier version.
type StaleError struct {
	// Repeated reports that the newest step had the same input: a double click.
	// Otherwise another form came first.
	Repeated bool
	// Changed reports that the data on the page have changed and differ from the form.
	Changed bool
}

func (StaleError) Error() string { return "the form was made for an earlier state" }

// Form is the common part of all forms: the qualification and the version for which the
// page was made.
type Form struct {
	Qualification uuid.UUID
	Version       int
}
