package workflow

import (
	"context"
	"errors"
)

// ErrContractChanged is returned for a notice that is not in force any more.
var ErrContractChanged = errors.New("the contract notice has changed")

// Notice is the contract notice in force, in the language of the reader.
func (p *Procedure) Notice(locale string) Document {
	if d, ok := p.Documents[locale]; ok {
		return d
	}
	return p.Documents["it"]
}

// AcknowledgeContract: the notice with this digest was shown and acknowledged;
// the click is the acknowledgement. The first code leaves in the same step.
func (p *Procedure) AcknowledgeContract(ctx context.Context, v Visitor, f Form, digest string) error {
	if err := p.admit(ctx, codesPerNetwork, v.Address); err != nil {
		return err
	}
	return p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, true, ContractRead); err != nil {
			return err
		}
		d, ok := p.document(digest)
		if !ok { // replaced since the page was opened
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

func (p *Procedure) document(digest string) (Document, bool) {
	for _, d := range p.Documents {
		if d.SHA256 == digest {
			return d, true
		}
	}
	return Document{}, false
}
