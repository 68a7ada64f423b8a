package workflow

import (
	"errors"
	"strings"
)

// Observer is told what happens, to count it: nothing personal is kept of it.
// Each field may be nil.
type Observer struct {
	Stepped func(Step)            // each step, after its commit
	Refused func(provider string) // each answer of an identity provider that did not stand up to its verification
	Typed   func(outcome string)  // each code that was typed: "code_right", or what CodeError calls it
	Limited func(limit string)    // each time that a limit refused something
}

// stepped tells the observer of the steps that a case was committed with.
func (p *Procedure) stepped(c *Case) {
	if p.Observer.Stepped == nil {
		return
	}
	for _, row := range c.Added {
		if s, ok := row.(Step); ok {
			p.Observer.Stepped(s)
		}
	}
}

// typed tells the observer what became of a code, and returns the same.
func (p *Procedure) typed(err error) error {
	outcome := "code_right"
	var wrong *CodeError
	if errors.As(err, &wrong) {
		outcome = wrong.Code
	} else if err != nil {
		return err // it did not come to the code
	}
	if p.Observer.Typed != nil {
		p.Observer.Typed(outcome)
	}
	return err
}

// observed tells the observer of an error that is a limit's refusal, and
// returns the same.
func (p *Procedure) observed(err error) error {
	if name := limitOf(err); name != "" && p.Observer.Limited != nil {
		p.Observer.Limited(name)
	}
	return err
}

// limitOf names the limit that refuses, whether it is counted by itself or from
// the rows of steps.
func limitOf(err error) string {
	var refused *LimitError
	var code *CodeError
	var input *InputError
	switch {
	case errors.As(err, &refused):
		return refused.Limit
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
