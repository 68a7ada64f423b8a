package workflow

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// Kind is what a holder is.
type Kind string

// The kinds of holder. KindUnknown stands where the provider's record is silent.
const (
	KindUnknown Kind = ""
	KindPerson  Kind = "person"
	KindCompany Kind = "company"
)

// Status is a mailbox's standing with its provider.
type Status string

// The standings of a mailbox. Only an active one can be qualified, or show its star.
const (
	Active         Status = "active"
	MailboxExpired Status = "expired"
	Cancelled      Status = "cancelled"
	MailboxRevoked Status = "revoked"
)

// Mailbox is a certified mailbox, with what its provider has on record.
type Mailbox struct {
	ID      int64
	Address string // lower case; never changes
	Status  Status
	Record  Record

	// DeletedAt is when the provider deleted it; zero for one that is there.
	DeletedAt time.Time

	// Ordinary is the ordinary address that came with the star; empty before.
	Ordinary string
	// Star is the qualification that gave the star; nil without one.
	Star *uuid.UUID

	// WrongCodes is when wrong codes were typed since the last right one, or the
	// last pause. They are counted for the mailbox, not for one attempt.
	WrongCodes []time.Time
}

// Deleted reports whether the provider deleted the mailbox. It is kept for its
// evidence, with standing cancelled and without star.
func (m Mailbox) Deleted() bool { return !m.DeletedAt.IsZero() }

// OrdinaryAddress is the ordinary address known of the mailbox's holder.
func (m Mailbox) OrdinaryAddress() string {
	if m.Ordinary != "" {
		return m.Ordinary
	}
	return m.Record.Email
}

// Record is what the provider knows of a mailbox's holder at one time. A record
// never changes: a new import makes a new one, and each decision names the one
// it was taken on.
type Record struct {
	ID              uuid.UUID
	Kind            Kind
	Name            string
	FiscalCode      string // a company's may be a person's: a sole trader
	VATNumber       string // companies: counts as the company's code too
	Representatives []Representative
	Email           string
	Status          Status
	ImportedBy      string // the operator
	ImportedAt      time.Time
}

// Representative may act for a company.
type Representative struct {
	FiscalCode string `json:"fiscal_code"`
	Name       string `json:"name"`
}

// imported makes it another record: it has who says so, and when.
func (r *Record) imported(by Actor, at time.Time) {
	r.ID, r.ImportedBy, r.ImportedAt = newID(), by.Name, at
}

// Same reports whether two records say the same, whoever imported them.
func (r Record) Same(o Record) bool {
	if len(r.Representatives) != len(o.Representatives) {
		return false
	}
	for i := range r.Representatives {
		if r.Representatives[i] != o.Representatives[i] {
			return false
		}
	}
	return r.Kind == o.Kind && r.Name == o.Name && r.FiscalCode == o.FiscalCode &&
		r.VATNumber == o.VATNumber && r.Email == o.Email && r.Status == o.Status
}

// MaskName hides a name but for the first letter of each word, in constant
// length, so that it tells nothing to who does not know it.
func MaskName(name string) string {
	words := strings.Fields(name)
	for i, w := range words {
		words[i] = string([]rune(w)[:1]) + "••••"
	}
	return strings.Join(words, " ")
}

// MaskEmail hides an address but for its first letter, the first letter of its
// domain and its top-level domain, in constant length.
func MaskEmail(address string) string {
	local, domain, ok := strings.Cut(Readable(address), "@")
	if !ok || local == "" || domain == "" {
		return "•••"
	}
	top := domain[strings.LastIndex(domain, ".")+1:]
	return string([]rune(local)[:1]) + "•••@" + string([]rune(domain)[:1]) + "•••." + top
}
