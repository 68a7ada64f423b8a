package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// chooseRole begins a qualification: a code of one before, whose end was never
// shown, is none here.
func (w *walk) chooseRole(ctx context.Context) error {
	w.began = time.Now().Add(-time.Second) // mails tell their time in seconds
	role := "si"
	if w.whims.delegate {
		role = "no"
	}
	return w.submit(ctx, "/scelta", map[string]string{"ruolo": role})
}

func (w *walk) chooseKind(ctx context.Context) error {
	return w.submit(ctx, "/intestatario", map[string]string{"intestatario": w.kind()})
}

func (w *walk) kind() string {
	if w.mailbox.company {
		return "impresa"
	}
	return "privato"
}

func (w *walk) enterCompany(ctx context.Context) error {
	return w.submit(ctx, "/impresa", w.company())
}

func (w *walk) company() map[string]string {
	return map[string]string{"ragione_sociale": w.mailbox.name, "codice_fiscale_impresa": w.mailbox.code}
}

// enterContacts takes the address that stands there, or another.
func (w *walk) enterContacts(ctx context.Context) error {
	email := w.attribute(`input[name="email"]`, "value")
	switch {
	case strings.HasPrefix(email, "nessuno."), email == "":
		email = w.mailbox.email
	case take(&w.whims.wrongEmail):
		email = "nessuno." + w.mailbox.email
	case take(&w.whims.otherEmail):
		email = fmt.Sprintf("altra%d.%s", w.rand.IntN(1000), w.mailbox.email)
	}
	return w.submit(ctx, "/contatti", map[string]string{"email": email, "cellulare": fmt.Sprintf("+3934%08d", w.rand.IntN(1e8))})
}

// confirmData goes on from the summary, or first changes something there.
func (w *walk) confirmData(ctx context.Context) error {
	if !take(&w.whims.edits) {
		return w.submit(ctx, "/riepilogo", nil)
	}
	if w.mailbox.company && w.rand.IntN(2) == 0 {
		if err := w.open(ctx, "/riepilogo/intestatario"); err != nil || w.page.kind != "edit" {
			return err
		}
		return w.submit(ctx, "/riepilogo/intestatario", w.company())
	}
	return w.changeContacts(ctx, "/riepilogo/contatti", "")
}

// changeContacts opens the page where the contacts are changed, and changes the
// telephone number there, and the address if one is given.
func (w *walk) changeContacts(ctx context.Context, path, email string) error {
	if err := w.open(ctx, path); err != nil || w.page.kind != "edit" {
		return err
	}
	typed := map[string]string{"cellulare": fmt.Sprintf("+3933%08d", w.rand.IntN(1e8))}
	if email != "" {
		typed["email"] = email
	}
	return w.submit(ctx, path, typed)
}
