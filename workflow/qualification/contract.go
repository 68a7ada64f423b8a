package qualification

import (
	"context"
	"errors"

	"stella/workflow"
)

// ErrContractChanged is returned for a contract notice that is no longer in force.
var ErrContractChanged = errors.New("the contract notice has changed")

// Notice returns the contract notice in force in a locale, or in Italian if there is
// none.
func (p *Procedure) Notice(locale string) workflow.Document {
	if d, ok := p.Documents[locale]; ok {
		return d
	}
	return p.Documents["it"]
}

// AcknowledgeContract records that the visitor was shown the notice with this digest
// and acknowledged it by the click. The first code is sent in the same step.
func (p *Procedure) AcknowledgeContract(ctx context.Context, v workflow.Visitor, f Form, digest string) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		if err := c.guard(v, f, true, ContractRead); err != nil {
			return err
		}
		c.spend(p.limiter(), codesPerNetwork, v)
		d, ok := p.document(digest)
		if !ok { // replaced after the page was opened
			return ErrContractChanged
		}
		err := c.fire(ContractRead, Refs{"document": d.SHA256, "document_version": d.Version,
			"document_date": d.Date.Format("2006-01-02"), "document_locale": d.Locale})
		if err != nil {
			return err
		}
		c.Qualification.Document = d.SHA256
		c.add(d)
		return c.replaceCode(p)
	})
}

func (p *Procedure) document(digest string) (workflow.Document, bool) {
	for _, d := range p.Documents {
		if d.SHA256 == digest {
			return d, true
		}
	}
	return workflow.Document{}, false
}
