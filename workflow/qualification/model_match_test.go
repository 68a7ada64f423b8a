package qualification_test

import (
	"slices"

	"stella/store/storetest"
	"stella/workflow"
)

// verdict returns the expected result of the comparison of record, declaration and
// login.
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
	case slices.ContainsFunc(named, m.mayBeSame):
		return workflow.Unproven
	}
	return workflow.Differs
}

// stillNamesHolder reports whether the record names the person and the company of the
// star as well as the previous one did.
func (m *model) stillNamesHolder(before workflow.Record) bool {
	r, named := m.record, holders(m.record)
	gone := slices.ContainsFunc(holders(before), func(h string) bool { return m.mayBeSame(h) && !slices.Contains(named, h) })
	switch {
	case r.Kind != "" && r.Kind != m.declared.kind:
		return false
	case !slices.Contains(named, m.person) && (gone || len(named) > 0 && !slices.ContainsFunc(named, m.mayBeSame)):
		return false
	case m.declared.kind == workflow.KindPerson:
		return true
	case r.FiscalCode == "":
		return before.FiscalCode == ""
	}
	return r.FiscalCode == before.FiscalCode || !m.companyDiffers(m.declared.company)
}

// holders returns the persons in a record.
func holders(r workflow.Record) (all []string) {
	if r.Kind == workflow.KindPerson && r.FiscalCode != "" || len(r.FiscalCode) == 16 {
		all = append(all, r.FiscalCode)
	}
	for _, p := range r.Representatives {
		all = append(all, p.FiscalCode)
	}
	return all
}

// mayBeSame reports whether a code is the person's, or differs from it only by
// omocodia, or exactly one of the two is provisional.
func (m *model) mayBeSame(code string) bool {
	omocodia := []string{storetest.Anna, annaOmocode}
	return code == m.person || (code == provisional) != (m.person == provisional) ||
		slices.Contains(omocodia, code) && slices.Contains(omocodia, m.person)
}

func (m *model) companyDiffers(code string) bool {
	return m.record.Kind == workflow.KindCompany && code != m.record.FiscalCode && code != m.record.VATNumber
}
