package workflow

import (
	"slices"

	"stella/workflow/fiscal"
)

// Verdict is whether the identified person is the holder on record.
type Verdict string

// The verdicts. Unproven is not enough for the star: an operator decides.
const (
	Matched  Verdict = "matched"
	Unproven Verdict = "unproven"
	Differs  Verdict = "differs"
)

// Judge compares the identified person with the record. The kind of holder and the
// company come from the record; those that were declared must not contradict it. If the record
// states nothing, the verdict is Unproven.
func (r Record) Judge(kind Kind, companyCode, fiscalNumber string) Verdict {
	switch {
	case r.Kind == KindUnknown:
		return Unproven
	case r.KindDiffers(kind):
		return Differs
	case r.CompanyDiffers(companyCode):
		return Differs
	}
	return compare(fiscalNumber, r.holders()...)
}

// holders returns the fiscal codes of the persons in the record: the person, the sole
// trader or the representatives.
func (r Record) holders() []string {
	all := make([]string, 0, len(r.Representatives)+1)
	if _, trader := fiscal.Company(r.FiscalCode).Person(); trader || r.Kind == KindPerson && r.FiscalCode != "" {
		all = append(all, r.FiscalCode)
	}
	for _, p := range r.Representatives {
		all = append(all, p.FiscalCode)
	}
	return all
}

// KindDiffers reports whether the record has another kind of holder.
func (r Record) KindDiffers(k Kind) bool {
	return r.Kind != KindUnknown && r.Kind != k
}

// CompanyDiffers reports whether the record names another company. The VAT number is
// also accepted as the company's code.
func (r Record) CompanyDiffers(code string) bool {
	known := false
	for _, c := range []string{r.FiscalCode, r.VATNumber} {
		if c == "" {
			continue
		}
		if c == code {
			return false
		}
		known = true
	}
	return r.Kind == KindCompany && known
}

// compare compares one fiscal number with those of the holders. Two codes that differ
// only by omocodia may belong to one person or two, and so may a provisional code and
// an ordinary one. The register does not decide it, so the verdict is Unproven. An
// invalid fiscal number is Unproven too, as it does not prove another person; no answer
// with one is accepted.
func compare(fiscalNumber string, holders ...string) Verdict {
	person, err := fiscal.ParsePerson(fiscalNumber)
	if err != nil {
		return Unproven
	}
	verdict, known := Differs, false
	for _, h := range holders {
		holder, err := fiscal.ParsePerson(h)
		if err != nil {
			continue
		}
		if holder == person {
			return Matched
		}
		if fiscal.MayBeSame(holder, person) {
			verdict = Unproven
		}
		known = true
	}
	if !known {
		return Unproven
	}
	return verdict
}

// StillNames reports whether r still names the holder of this kind, with this company
// code and fiscal number, that the previous record named.
func (r Record) StillNames(before Record, kind Kind, companyCode, fiscalNumber string) bool {
	return !r.KindDiffers(kind) && r.stillNamesPerson(before, fiscalNumber) &&
		(kind != KindCompany || r.stillNamesCompany(before, companyCode))
}

// stillNamesPerson reports whether r still names a person that the previous record named, or
// still names no holder. A code that may be the same person's, by omocodia or as a
// provisional code, counts as naming them; if it is removed, the person is no longer
// named.
func (r Record) stillNamesPerson(before Record, fiscalNumber string) bool {
	named := r.holders()
	switch compare(fiscalNumber, named...) {
	case Matched:
		return true
	case Differs:
		return false
	}
	for _, h := range before.holders() {
		if compare(fiscalNumber, h) != Differs && !slices.Contains(named, h) {
			return false
		}
	}
	return true
}

// stillNamesCompany reports whether r is still about the same company as the previous
// record: it has the same fiscal code, or the code that was declared, or neither record
// has a code.
func (r Record) stillNamesCompany(before Record, declared string) bool {
	if r.FiscalCode == "" && r.VATNumber == "" {
		return before.FiscalCode == "" && before.VATNumber == ""
	}
	return r.FiscalCode != "" && r.FiscalCode == before.FiscalCode || !r.CompanyDiffers(declared)
}
