package web

import (
	"testing"

	"stella/web/webtest"
	"stella/workflow"
	"stella/workflow/contact"
	"stella/workflow/qualification"
)

// The last page can be printed as a receipt. It has the content of the mail about
// the success, without personal data.
func TestLastPageIsAReceipt(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Qualified)
	number := b.query(`select number::text from qualifications where state = 'qualified'`)
	b.at("Identificazione avvenuta con successo", "Pratica "+number, "Qualificata dal ", "Identificazione SPID, livello 2",
		"Informativa contrattuale versione "+b.query(`select version from documents`))
	if got := b.Find("main").Text(); b.query(`select count(*)::text from identities where position(fiscal_number in $1) > 0`, got) != "0" {
		t.Error("the page contains the fiscal code")
	}
}

// The pages show an internationalized domain in Unicode. The database and the mails
// have it in Punycode.
func TestAddressIsShownInUnicode(t *testing.T) {
	t.Parallel()
	munich := anna
	munich.email = "anna@münchen.example"
	b := at(t, munich, qualification.ContactData)
	b.press("Conferma", "email", munich.email).at("Controlla i dati", munich.email)
	b.click("Modifica l'e-mail").hasValue("email", munich.email)
	b.press("Conferma").at("Controlla i dati", munich.email)
	b.proceed(munich, qualification.Summary, qualification.Identified).at("Identificazione riuscita", munich.email)
	b.proceed(munich, qualification.Identified, qualification.CodeEntry)
	if got := b.query(`select recipient from mails where kind = 'code'`); got != "anna@xn--mnchen-3ya.example" {
		t.Errorf("the recipient of the code is %s", got)
	}
	if got := contact.MaskAddress("anna@xn--mnchen-3ya.example"); got != "a•••@m•••.example" {
		t.Errorf("the mask is %s", got)
	}
}

func TestHelpContactIsALink(t *testing.T) {
	t.Parallel()
	b := newWorld(t).browser()
	if got := b.get("/altrove").link("800 000 000"); got != "tel:800000000" {
		t.Errorf("the contact leads to %s", got)
	}
}

func TestMailboxIsShownInUnicode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	city := workflow.Client{
		Name:       "città",
		Domains:    []string{"xn--citt-3na.example"},
		ReturnURLs: []string{returnURL},
		Scopes:     []workflow.Scope{workflow.ScopeWebmail},
	}
	digest := workflow.Digest("another token")
	w.must(w.store.AddClient(t.Context(), city, digest, w.clock.Now()))
	city, err := w.store.ClientByToken(t.Context(), digest, w.clock.Now())
	w.must(err)
	h := anna
	h.mailbox = "anna@xn--citt-3na.example"
	w.record(h)
	b := w.browser()
	start := func() string {
		secret, err := w.provider.HandOff(t.Context(), city, h.mailbox, returnURL, "it", "utente-7")
		w.must(err)
		w.secrets = append(w.secrets, secret)
		return secret
	}
	b.get("/start/"+start()).at("Un ultimo clic", "anna@città.example")
	b.start(start()).at("Conferma identità")
	if got := webtest.Text(b.Find("header .mailbox")); got != "Casella: anna@città.example" {
		t.Errorf("the page shows the mailbox %q", got)
	}
	b.press("Conferma", "ruolo", "no").press("Invia l'invito", "email", "luca@mail.example")
	w.browser().get(b.invitationLink()).at("Ti chiedono di confermare l'identità", "anna@città.example")
}
