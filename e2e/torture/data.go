package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// chooseRole begins a qualification. It resets s.began, so that codes of an earlier
// qualification are not used for this one.
func (s *scenario) chooseRole(ctx context.Context) error {
	s.began = time.Now().Add(-time.Second) // the times in mails are in seconds
	role := "si"
	if s.behaviour.delegate {
		role = "no"
	}
	return s.submit(ctx, "/scelta", map[string]string{"ruolo": role})
}

func (s *scenario) chooseKind(ctx context.Context) error {
	return s.submit(ctx, "/intestatario", map[string]string{"intestatario": s.holderKind()})
}

func (s *scenario) holderKind() string {
	if s.mailbox.company {
		return "impresa"
	}
	return "privato"
}

func (s *scenario) enterCompany(ctx context.Context) error {
	return s.submit(ctx, "/impresa", s.company())
}

func (s *scenario) company() map[string]string {
	return map[string]string{"ragione_sociale": s.mailbox.name, "codice_fiscale_impresa": s.mailbox.code}
}

// enterContacts keeps the address that the form contains, or enters another.
func (s *scenario) enterContacts(ctx context.Context) error {
	email := s.attribute(`input[name="email"]`, "value")
	switch {
	case strings.HasPrefix(email, "nessuno."), email == "":
		email = s.mailbox.email
	case use(&s.behaviour.wrongEmail):
		email = "nessuno." + s.mailbox.email
	case use(&s.behaviour.otherEmail):
		email = fmt.Sprintf("altra%d.%s", s.rand.IntN(1000), s.mailbox.email)
	}
	return s.submit(ctx, "/contatti", map[string]string{"email": email, "cellulare": fmt.Sprintf("+3934%08d", s.rand.IntN(1e8))})
}

// confirmData confirms the summary, or changes something in it.
func (s *scenario) confirmData(ctx context.Context) error {
	if !use(&s.behaviour.edits) {
		return s.submit(ctx, "/riepilogo", nil)
	}
	if s.mailbox.company && s.rand.IntN(2) == 0 {
		if err := s.open(ctx, "/riepilogo/intestatario"); err != nil || s.kind != "edit" {
			return err
		}
		return s.submit(ctx, "/riepilogo/intestatario", s.company())
	}
	return s.changeContacts(ctx, "/riepilogo/contatti", "")
}

// changeContacts opens the page for the contact data and changes the telephone
// number, and the address if email is not empty.
func (s *scenario) changeContacts(ctx context.Context, path, email string) error {
	if err := s.open(ctx, path); err != nil || s.kind != "edit" {
		return err
	}
	typed := map[string]string{"cellulare": fmt.Sprintf("+3933%08d", s.rand.IntN(1e8))}
	if email != "" {
		typed["email"] = email
	}
	return s.submit(ctx, path, typed)
}
