package qualification

import (
	"errors"
	"strings"

	"stella/workflow"
)

// Observer is an Observer that is also called for steps.
type Observer struct {
	workflow.Observer
	Stepped func(Step)           // each step, after its commit
	Typed   func(outcome string) // each code that was typed: "code_right", or the Code of the CodeError
}

// observeSteps reports the steps that a case was committed with.
func (o Observer) observeSteps(c *Case) {
	if o.Stepped == nil {
		return
	}
	for _, row := range c.Added {
		if s, ok := row.(Step); ok {
			o.Stepped(s)
		}
	}
}

// observeCode reports the result of typing a code, and returns err.
func (o Observer) observeCode(err error) error {
	outcome := "code_right"
	var wrong *CodeError
	if errors.As(err, &wrong) {
		outcome = wrong.Code
	} else if err != nil {
		return err // failed before the code was checked
	}
	if o.Typed != nil {
		o.Typed(outcome)
	}
	return err
}

// observeLimit reports an error that is the refusal by a limit, and returns err.
func (o Observer) observeLimit(err error) error {
	name := countedLimit(err)
	if name == "" {
		return o.Observer.ObserveLimit(err)
	}
	if o.Limited != nil {
		o.Limited(name)
	}
	return err
}

// countedLimit returns the name of the limit that refused, if it is one that is counted
// from the rows of steps. It returns "" for any other error.
func countedLimit(err error) string {
	var code *CodeError
	var input *workflow.InputError
	switch {
	case errors.As(err, &code) && !code.Until.IsZero():
		return code.Code
	case errors.As(err, &input):
		for _, f := range input.Faults {
			if strings.HasSuffix(f.Code, "_limit") {
				return f.Code
			}
		}
	}
	return ""
}
