package spidtest

// A Person is somebody who can log in. What is empty is not sent.
type Person struct {
	Name         string
	FamilyName   string
	FiscalNumber string // with TINIT- before it
	DateOfBirth  string // 1980-01-31
	Gender       string // F or M
	PlaceOfBirth string // Belfiore code
	SpidCode     string
	Email        string
}

// FullName returns the name and the family name.
func (p Person) FullName() string { return p.Name + " " + p.FamilyName }

// attribute returns the value of a SPID attribute, and its name for people.
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
	}
	return name, ""
}

// DemoPeople returns some people who do not exist.
func DemoPeople() []Person {
	return []Person{
		{"Anna", "Neri", "TINIT-NRENNA80A41H501T", "1980-01-01", "F", "H501", "PROV0000000001", "anna.neri@mail.example"},
		{"Luca", "Bianchi", "TINIT-BNCLCU75C12F205G", "1975-03-12", "M", "F205", "PROV0000000002", "luca.bianchi@mail.example"},
		{"Sara", "Verdi", "TINIT-VRDSRA82E50L219E", "1982-05-10", "F", "L219", "PROV0000000003", "sara.verdi@mail.example"},
		{"Paola", "Conti", "TINIT-CNTPLA70H55A944H", "1970-06-15", "F", "A944", "PROV0000000004", "paola.conti@mail.example"},
	}
}
