package main

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"

	"stella/spid/spidtest"
	"stella/workflow/fiscal"
)

// A person can log in with SPID. All people are fictitious.
type person struct {
	name, family string
	code         string // fiscal code
}

func (p person) fullName() string { return p.name + " " + p.family }

// population is the number of people. A person can have many mailboxes.
const population = 24

// generatePeople returns people with names that occur nowhere else, so that logs
// can be searched for them.
func generatePeople(r *rand.Rand) []person {
	names := []string{"Ada", "Bruno", "Carla", "Dario", "Elsa", "Fabio", "Gina", "Ivo", "Lia", "Mario", "Nora", "Piero"}
	syllables := []string{"bal", "dro", "fen", "gri", "lam", "mor", "nes", "pru", "sca", "tor", "vel", "zan"}
	people := make([]person, population)
	for i := range people {
		pick := func() string { return syllables[r.IntN(len(syllables))] }
		// The last two syllables depend on i, so that all family names are different.
		family := pick() + pick() + syllables[i/len(syllables)] + syllables[i%len(syllables)] + "i"
		people[i] = person{name: names[r.IntN(len(names))], family: strings.ToUpper(family[:1]) + family[1:]}
		people[i].code = personCode(r)
	}
	return people
}

// asSPID converts the people to those of the identity provider.
func asSPID(people []person) []spidtest.Person {
	all := make([]spidtest.Person, len(people))
	for i, p := range people {
		all[i] = spidtest.Person{Name: p.name, FamilyName: p.family, FiscalNumber: "TINIT-" + p.code, DateOfBirth: "1980-01-31",
			Gender: "F", PlaceOfBirth: "H501", SpidCode: fmt.Sprintf("TEST%010d", i), Email: fmt.Sprintf("persona%d@mail.example", i)}
	}
	return all
}

// personCode returns a fiscal code with a valid check character (decree of 23
// December 1976).
func personCode(r *rand.Rand) string {
	const letters, months = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ABCDEHLMPRST"
	var b strings.Builder
	for range 6 {
		b.WriteByte(letters[r.IntN(len(letters))])
	}
	fmt.Fprintf(&b, "%02d%c%02d%c%03d", r.IntN(100), months[r.IntN(len(months))], 1+r.IntN(28), letters[r.IntN(len(letters))], r.IntN(1000))
	return withCheck(b.String(), letters, fiscal.ParsePerson)
}

// companyCode returns the fiscal code of a company: eleven digits, the last of
// which is a check digit.
func companyCode(r *rand.Rand) string {
	return withCheck(fmt.Sprintf("%010d", r.IntN(1e9)), "0123456789", fiscal.ParseCompany)
}

// withCheck returns a code with that check character which makes it valid.
func withCheck[Code ~string](code, characters string, parse func(string) (Code, error)) string {
	for _, c := range characters {
		if valid, err := parse(code + string(c)); err == nil {
			return string(valid)
		}
	}
	panic("no check character fits " + code)
}

// A mailbox is a mailbox in Stella's database.
type mailbox struct {
	address string
	email   string // ordinary address on record
	company bool
	name    string
	code    string  // fiscal code of the holder
	holder  *person // the person who may qualify it, or who tries to if unknown is set
	unknown bool    // no representative on record: an operator decides

	mu   sync.Mutex
	lost bool // an operator was asked to revoke the star
}

// loseStar records that an operator was asked to revoke the star.
func (m *mailbox) loseStar() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = true
}

func (m *mailbox) lostStar() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lost
}

// invitedEmail returns the address to which a delegate sends the invitation.
func (m *mailbox) invitedEmail() string { return "titolare." + m.email }

// generateMailboxes returns mailboxes of all kinds.
func generateMailboxes(r *rand.Rand, people []person, n int) []*mailbox {
	all := make([]*mailbox, n)
	for i := range all {
		m := &mailbox{
			address: fmt.Sprintf("casella%d@pec.example", i),
			email:   fmt.Sprintf("casella%d@mail.example", i),
			holder:  &people[r.IntN(len(people))],
		}
		switch kind := r.IntN(20); {
		case kind < 11:
			m.name, m.code = m.holder.fullName(), m.holder.code
		case kind < 17:
			m.company, m.name, m.code = true, "Officine di "+m.holder.family+" S.r.l.", companyCode(r)
		default:
			m.company, m.name, m.code, m.unknown = true, fmt.Sprintf("Cooperativa %d", i), companyCode(r), true
		}
		all[i] = m
	}
	return all
}

// writeMailboxes writes the CSV file for "stella mailbox import".
func writeMailboxes(file string, all []*mailbox) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := csv.NewWriter(f)
	w.Write(strings.Split("address,kind,name,fiscal_code,representatives,email,status", ","))
	for _, m := range all {
		kind, representatives := "person", ""
		if m.company {
			kind = "company"
			if !m.unknown {
				representatives = m.holder.code + " " + m.holder.fullName()
			}
		}
		w.Write([]string{m.address, kind, m.name, m.code, representatives, m.email, "active"})
	}
	w.Flush()
	return w.Error()
}
