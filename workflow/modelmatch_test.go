package workflow_test

import (
	"slices"

	"stella/store/storetest"
	"stella/workflow"
)

// verdict is the table of the design: who is on record, what was declared, who
// logged in.
func (m *model) verdict() workflow.Verdict {
	r, named := m.record, holders(m.record)
	switch {
	case r.Kind == workflow.KindUnknown:
		return workflow.Unproven
	case m.declared.kind != r.Kind, m.companyDiffers(m.declared.company):
		return workflow.Differs
	case len(named) == 0:
		return workflow.Unproven
	case slices.Contains(named, m.person):
		return workflow.Matched
	case slices.ContainsFunc(named, m.alike):
		return workflow.Unproven
	}
	return workflow.Differs
}

// keeps: the record names the person and the company that the star was given to
// as well as the one before did.
func (m *model) keeps(before workflow.Record) bool {
	r, named := m.record, holders(m.record)
	gone := slices.ContainsFunc(holders(before), func(h string) bool { return m.alike(h) && !slices.Contains(named, h) })
	switch {
	case r.Kind != "" && r.Kind != m.declared.kind:
		return false
	case !slices.Contains(named, m.person) && (gone || len(named) > 0 && !slices.ContainsFunc(named, m.alike)):
		return false
	case m.declared.kind == workflow.KindPerson:
		return true
	case r.FiscalCode == "":
		return before.FiscalCode == ""
	}
	return r.FiscalCode == before.FiscalCode || !m.companyDiffers(m.declared.company)
}

// holders are the persons whom a record names.
func holders(r workflow.Record) (all []string) {
	if r.Kind == workflow.KindPerson && r.FiscalCode != "" || len(r.FiscalCode) == 16 {
		all = append(all, r.FiscalCode)
	}
	for _, p := range r.Representatives {
		all = append(all, p.FiscalCode)
	}
	return all
}

// alike: it is the person's code, or differs from it by omocodia alone, or one
// of the two is provisional.
func (m *model) alike(code string) bool {
	omocodia := []string{storetest.Anna, annaOmocode}
	return code == m.person || (code == provisional) != (m.person == provisional) || slices.Contains(omocodia, code) && slices.Contains(omocodia, m.person)
}

func (m *model) companyDiffers(code string) bool {
	return m.record.Kind == workflow.KindCompany && code != m.record.FiscalCode && code != m.record.VATNumber
}
