package spidtest

import "slices"

// A Person can log in. Empty fields are not sent.
type Person struct {
	Name         string
	FamilyName   string
	FiscalNumber string // prefixed with TINIT-
	DateOfBirth  string // 1980-01-31
	Gender       string // F or M
	PlaceOfBirth string // Belfiore code
	SpidCode     string
	Email        string

	Identity Identity // NaturalPerson if zero

	// Additional attributes of a company's identity.
	CompanyName         string
	CompanyFiscalNumber string // prefixed with TINIT-
	IVACode             string // prefixed with VATIT-
	RegisteredOffice    string
}

// An Identity is a type of identity (Avviso 18).
type Identity int

// The types of identity. A professional identity only proves that a person
// belongs to a profession or a company.
const (
	NaturalPerson Identity = 1 + iota
	LegalPerson
	Professional
	CompanyProfessional
)

// admitted lists the types of identity that each purpose accepts (Avviso 18).
var admitted = map[string][]Identity{
	"":   {NaturalPerson, Professional},
	"P":  {Professional, CompanyProfessional},
	"PF": {Professional},
	"PG": {CompanyProfessional},
	"LP": {LegalPerson, CompanyProfessional},
	"PX": {LegalPerson, Professional, CompanyProfessional},
}

// admits reports whether a request accepts the identity of a person.
func (r *request) admits(p Person) bool {
	return slices.Contains(admitted[r.purpose], max(p.Identity, NaturalPerson))
}

// FullName returns the name and the family name.
func (p Person) FullName() string { return p.Name + " " + p.FamilyName }

// Label returns the full name, and the company for a company's identity.
func (p Person) Label() string {
	if p.CompanyName != "" {
		return p.FullName() + " per " + p.CompanyName
	}
	return p.FullName()
}

// attribute returns the Italian label and the value of a SPID attribute.
func (p Person) attribute(name string) (label, value string) {
	switch name {
	case "name":
		return "Nome", p.Name
	case "familyName":
		return "Cognome", p.FamilyName
	case "fiscalNumber":
		return "Codice fiscale", p.FiscalNumber
	case "dateOfBirth":
		return "Data di nascita", p.DateOfBirth
	case "gender":
		return "Sesso", p.Gender
	case "placeOfBirth":
		return "Luogo di nascita", p.PlaceOfBirth
	case "spidCode":
		return "Codice identificativo SPID", p.SpidCode
	case "email":
		return "Indirizzo di posta elettronica", p.Email
	case "companyName":
		return "Ragione o denominazione sociale", p.CompanyName
	case "companyFiscalNumber":
		return "Codice fiscale della persona giuridica", p.CompanyFiscalNumber
	case "ivaCode":
		return "Partita IVA", p.IVACode
	case "registeredOffice":
		return "Sede legale", p.RegisteredOffice
	}
	return name, ""
}

// DemoPeople returns some invented people, each with a personal identity.
func DemoPeople() []Person {
	return []Person{
		{Name: "Anna", FamilyName: "Neri", FiscalNumber: "TINIT-NRENNA80A41H501T", DateOfBirth: "1980-01-01",
			Gender: "F", PlaceOfBirth: "H501", SpidCode: "PROV0000000001", Email: "anna.neri@mail.example"},
		{Name: "Luca", FamilyName: "Bianchi", FiscalNumber: "TINIT-BNCLCU75C12F205G", DateOfBirth: "1975-03-12",
			Gender: "M", PlaceOfBirth: "F205", SpidCode: "PROV0000000002", Email: "luca.bianchi@mail.example"},
		{Name: "Sara", FamilyName: "Verdi", FiscalNumber: "TINIT-VRDSRA82E50L219E", DateOfBirth: "1982-05-10",
			Gender: "F", PlaceOfBirth: "L219", SpidCode: "PROV0000000003", Email: "sara.verdi@mail.example"},
		{Name: "Paola", FamilyName: "Conti", FiscalNumber: "TINIT-CNTPLA70H55A944H", DateOfBirth: "1970-06-15",
			Gender: "F", PlaceOfBirth: "A944", SpidCode: "PROV0000000004", Email: "paola.conti@mail.example"},
	}
}

// LucaForOfficine returns Luca Bianchi with his identity for his company,
// Officine Bianchi S.r.l.
func LucaForOfficine() Person {
	luca := DemoPeople()[1]
	luca.SpidCode, luca.Identity = "PROV0000000005", CompanyProfessional
	luca.CompanyName, luca.RegisteredOffice = "Officine Bianchi S.r.l.", "Via delle Officine 1, 20121 Milano MI"
	luca.CompanyFiscalNumber, luca.IVACode = "TINIT-09876543217", "VATIT-09876543217"
	return luca
}
