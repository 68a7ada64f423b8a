package qualification

import (
	"github.com/google/uuid"

	"stella/workflow"
)

// Form is the common part of all forms: the qualification and the version for which the
// page was made.
type Form struct {
	Qualification uuid.UUID
	Version       int
}

// StaleError is returned for a form that was made for an earlier version.
type StaleError struct {
	// Repeated reports that the newest step had the same input: a double click.
	// Otherwise another form came first.
	Repeated bool
	// Changed reports that the data on the page have changed and differ from the form.
	Changed bool
}

func (StaleError) Error() string { return "the form was made for an earlier state" }

// The guards of a step, in the order in which a step calls them. step calls enter;
// most steps call guard, which is the other three.

// enter refuses a visitor who may not see the case, and records the language in which
// it was shown.
func (c *Case) enter(v workflow.Visitor) error {
	if c.Mailbox.Status != workflow.Active {
		return workflow.ErrNotEligible
	}
	if !c.CanView(v) {
		return ErrNotOwner
	}
	c.Qualification.setLocale(v)
	return nil
}

// guard refuses a form that does not fit the case as it is now: see checkForm,
// checkLogin and checkEvent.
func (c *Case) guard(v workflow.Visitor, f Form, same bool, e Event) error {
	if err := c.checkForm(v, f, same); err != nil {
		return err
	}
	if err := c.checkLogin(v); err != nil {
		return err
	}
	return c.checkEvent(e)
}

// checkForm refuses a visitor who may not act on the case, and a form that was made
// for an earlier state. same reports whether the input of the form is stored
// already: then a stale form is a double click, and otherwise it is another
// window's. It is true for a form without input.
func (c *Case) checkForm(v workflow.Visitor, f Form, same bool) error {
	q := c.Qualification
	switch {
	case !c.CanAct(v):
		return ErrNotOwner
	case f.Qualification != q.ID:
		return StaleError{}
	case f.Version != q.Version:
		return c.stale(f, same)
	}
	return nil
}

// stale describes a form of an earlier version.
func (c *Case) stale(f Form, same bool) StaleError {
	q := c.Qualification
	// A step that also sends a code counts for two, and so does taking an
	// invitation back.
	newest := f.Version == q.Version-1 || f.Version == q.Version-2 && (q.State == CodeEntry || q.State == Introduction)
	switch q.State {
	case Summary, Identified, CodeEntry: // their pages show the data
		return StaleError{Repeated: newest && same, Changed: !same}
	}
	return StaleError{Repeated: newest && same}
}

// checkLogin moves the case back to identification if it depends on a login that is
// not valid in the visitor's session. The visitor is answered with ErrLoginExpired.
func (c *Case) checkLogin(v workflow.Visitor) error {
	if !c.LoginExpired(v) {
		return nil
	}
	if err := c.lapse(nil); err != nil {
		return err
	}
	return answered{ErrLoginExpired}
}

// checkEvent refuses an event that cannot happen in the state of the case.
func (c *Case) checkEvent(e Event) error {
	_, err := next(c.Qualification.State, e)
	return err
}
