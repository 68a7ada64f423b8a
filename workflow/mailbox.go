package workflow

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// Kind is the kind of a holder.
type Kind string

// The kinds of holder. KindUnknown is the kind of a record that does not state one.
const (
	KindUnknown Kind = ""
	KindPerson  Kind = "person"
	KindCompany Kind = "company"
)

// Status is the status of a mailbox at its provider.
type Status string

// The statuses of a mailbox. Only an active mailbox can be qualified or show its star.
const (
	Active         Status = "active"
	MailboxExpired Status = "expired"
	Cancelled      Status = "cancelled"
	MailboxRevoked Status = "revoked"
)

// Statuses lists all statuses.
var Statuses = []Status{Active, MailboxExpired, Cancelled, MailboxRevoked}

// Mailbox is a certified mailbox with its provider's record.
type Mailbox struct {
	ID      int64
	Address string // in lower case; never changes
	Status  Status
	Record  Record

	// DeletedAt is when the provider deleted the mailbox; zero if it did not.
	DeletedAt time.Time

	// Ordinary is the ordinary address from the qualification that gave the star; empty
	// without a star.
	Ordinary string
	// Star is the qualification that gave the star; nil without a star.
	Star *uuid.UUID

	// WrongCodes is when wrong codes were typed since the last right code or the last
	// pause. They are counted per mailbox, not per qualification.
	WrongCodes []time.Time
}

// Deleted reports whether the provider deleted the mailbox. It is kept as evidence,
// with status Cancelled and without a star.
func (m Mailbox) Deleted() bool { return !m.DeletedAt.IsZero() }

// OrdinaryAddress returns the known ordinary address of the holder: the one that came
// with the star, or the one on record.
func (m Mailbox) OrdinaryAddress() string {
	if m.Ordinary != "" {
		return m.Ordinary
	}
	return m.Record.Email
}

// Record is what the provider knows about the holder of a mailbox at one time. A record
// never changes: an import adds a new one, and each decision refers to the record it is
// based on.
type Record struct {
	ID              uuid.UUID
	Kind            Kind
	Name            string
	FiscalCode      string // a person's code for a sole trader
	VATNumber       string // companies only; also accepted as the company's code
	Representatives []Representative
	Email           string
	Status          Status
	ImportedBy      string // operator or API client
	ImportedAt      time.Time
}

func (Record) IsRow() {}

// Representative is a person who may act for a company.
type Representative struct {
	FiscalCode string `json:"fiscal_code"`
	Name       string `json:"name"`
}

// Stamp gives the record a new ID, and sets its author and time.
func (r *Record) Stamp(importedBy string, at time.Time) {
	r.ID, r.ImportedBy, r.ImportedAt = NewID(), importedBy, at
}

// Same reports whether two records have the same content, apart from ID, author and
// time.
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

// MaskName hides all but the first letter of each word. The length of the result does
// not depend on the words.
func MaskName(name string) string {
	words := strings.Fields(name)
	for i, w := range words {
		words[i] = string([]rune(w)[:1]) + "••••"
	}
	return strings.Join(words, " ")
}
