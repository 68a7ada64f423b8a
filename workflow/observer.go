package workflow

import (
	"errors"
	"strings"
)

// Observer receives callbacks for metrics. They contain no personal data that is kept.
// Each field may be nil.
type Observer struct {
	Stepped func(Step)            // each step, after its commit
	Refused func(provider string) // each response of an identity provider that failed verification
	Typed   func(outcome string)  // each code that was typed: "code_right", or the Code of the CodeError
	Limited func(limit string)    // each refusal by a limit
}

// observeSteps reports the steps that a case was committed with.
func (p *Procedure) observeSteps(c *Case) {
	if p.Observer.Stepped == nil {
		return
	}
	for _, row := range c.Added {
		if s, ok := row.(Step); ok {
			p.Observer.Stepped(s)
		}
	}
}

// observeCode reports the result of typing a code, and returns err.
func (p *Procedure) observeCode(err error) error {
	outcome := "code_right"
	var wrong *CodeError
	if errors.As(err, &wrong) {
		outcome = wrong.Code
	} else if err != nil {
		return err // failed before the code was checked
	}
	if p.Observer.Typed != nil {
		p.Observer.Typed(outcome)
	}
	return err
}

// observeLimit reports an error that is the refusal by a limit, and returns err.
func (p *Procedure) observeLimit(err error) error {
	if name := limitName(err); name != "" && p.Observer.Limited != nil {
		p.Observer.Limited(name)
	}
	return err
}

// limitName returns the name of the limit that refused: a rate limit, or one counted from
// the rows of steps. It returns "" for any other error.
func limitName(err error) string {
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
