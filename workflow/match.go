package workflow

import "stella/workflow/fiscal"

// Verdict says whether a person is the holder on record.
type Verdict string

// The verdicts. Unproven is never enough for the star: an operator decides.
const (
	Matched  Verdict = "matched"
	Unproven Verdict = "unproven"
	Differs  Verdict = "differs"
)

// judge compares the person identified with the record. The record, not the
// declaration, says which kind of holder and which company are compared; the
// declaration must only not contradict it. Where the record is silent nothing
// is proven.
func (r Record) judge(d Declaration, fiscalNumber string) Verdict {
	switch {
	case r.Kind == KindUnknown:
		return Unproven
	case r.kindDiffers(d.Kind):
		return Differs
	case r.companyDiffers(d.CompanyCode):
		return Differs
	}
	return compare(fiscalNumber, r.holders()...)
}

// holders are the fiscal codes of the persons who are named: a person's own, a
// company's representatives, and a sole trader.
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

// kindDiffers reports whether the record says another kind of holder.
func (r Record) kindDiffers(k Kind) bool {
	return r.Kind != KindUnknown && r.Kind != k
}

// companyDiffers reports whether the record names another company. A company's
// VAT number counts as its code too.
func (r Record) companyDiffers(code string) bool {
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

// compare matches one fiscal number against those of the holders, character by
// character. Codes that differ only by omocodia, or of which one is provisional,
// are two persons' or one's: no register here can tell, so they are unproven. So
// is what is no code at all, which no answer is taken with: it is not another
// person.
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
