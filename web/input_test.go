package web

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"stella/workflow/qualification"
)

const (
	emailMissing   = "Inserisci un indirizzo e-mail"
	emailMalformed = "Inserisci un indirizzo e-mail nel formato nome@esempio.it"
	emailIsMailbox = "Inserisci un indirizzo diverso dalla casella PEC da identificare"
	emailAccent    = "Gli indirizzi con lettere accentate prima della @ non sono accettati"
	emailSign      = "Prima della @ sono accettati solo lettere, cifre e i segni . _ - + ' & = (il trattino non all'inizio)"
	emailIsPEC     = "Sembra una casella PEC: usa un indirizzo di posta ordinaria"
	phoneMalformed = "Inserisci il numero con il prefisso internazionale, per esempio +39 347 123 4567"
	phoneNotMobile = "Questo non è il numero di un cellulare. " +
		"Inserisci un cellulare, per esempio +39 347 123 4567, o lascia il campo vuoto"
	nameShort   = "Inserisci la ragione sociale (almeno 2 caratteri)"
	nameLong    = "La ragione sociale è troppo lunga: usa al massimo 200 caratteri"
	codeMissing = "Inserisci il codice fiscale dell'impresa"
	codeLength  = "Il codice fiscale dell'impresa ha 11 cifre. Per le ditte individuali ha 16 caratteri"
	codeCheck   = "Il codice fiscale contiene un errore. Controlla di averlo copiato per intero"
)

// mistake is wrong input and the error that the page shows.
type mistake struct {
	button          string
	typed           []string
	field, sentence string
}

// refuses checks that after each mistake the same page is shown, with the input and
// the error, and that nothing changes.
func (b *browser) refuses(heading string, mistakes ...mistake) {
	b.Helper()
	shown := b.Page
	for _, m := range mistakes {
		b.Page = shown
		b.unchanged(func() { b.press(m.button, m.typed...) })
		b.hasError(m.field, m.sentence)
		b.answered(http.StatusUnprocessableEntity, heading)
		for i := 0; i < len(m.typed); i += 2 {
			b.hasValue(m.typed[i], m.typed[i+1])
		}
	}
}

func TestRoleIsMissing(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.HolderChoice)
	b.refuses("Conferma identità", mistake{"Conferma", nil, "ruolo", "Scegli una delle due opzioni"})
	form := b.form("Conferma").With("ruolo", "forse")
	b.unchanged(func() { b.post(form).hasError("ruolo", "Scegli una delle due opzioni") })
	b.press("Conferma", "ruolo", "si").at("Cosa occorre")
}

func TestKindIsWrong(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.HolderKind)
	b.refuses("Intestatario della casella PEC",
		mistake{"Conferma", nil, "intestatario", "Scegli il tipo di intestatario"},
		mistake{"Conferma", []string{"intestatario", "impresa"}, "intestatario",
			"Secondo i nostri dati la casella è intestata a un privato cittadino. " +
				"Scegli Privato Cittadino, oppure chiedi all'assistenza il cambio di intestatario"})
	b.press("Conferma", "intestatario", "privato").at("Dati di Contatto")

	b = at(t, bianchi, qualification.HolderKind)
	b.refuses("Intestatario della casella PEC",
		mistake{"Conferma", []string{"intestatario", "privato"}, "intestatario",
			"Secondo i nostri dati la casella è intestata a un'impresa. " +
				"Scegli Impresa / Società, oppure chiedi all'assistenza il cambio di intestatario"})
}

// companyMistakes has wrong input for the data of a company.
var companyMistakes = []mistake{
	{"Conferma", []string{"codice_fiscale_impresa", ""}, "codice_fiscale_impresa", codeMissing},
	{"Conferma", []string{"codice_fiscale_impresa", "1234567890"}, "codice_fiscale_impresa", codeLength},
	{"Conferma", []string{"codice_fiscale_impresa", "123456789012"}, "codice_fiscale_impresa", codeLength},
	{"Conferma", []string{"codice_fiscale_impresa", "09876543218"}, "codice_fiscale_impresa", codeCheck},
	{"Conferma", []string{"codice_fiscale_impresa", "BNCLCU75C12F205X"}, "codice_fiscale_impresa", codeCheck},
	{"Conferma", []string{"ragione_sociale", "X", "codice_fiscale_impresa", "09876543217"}, "ragione_sociale", nameShort},
	{"Conferma", []string{"ragione_sociale", strings.Repeat("è", 201), "codice_fiscale_impresa", "09876543217"},
		"ragione_sociale", nameLong},
	{"Conferma", []string{"ragione_sociale", "X", "codice_fiscale_impresa", "1"}, "ragione_sociale", nameShort},
	{"Conferma", []string{"ragione_sociale", "X", "codice_fiscale_impresa", "1"}, "codice_fiscale_impresa", codeLength},
}

func TestCompanyIsWrong(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.CompanyData)
	b.refuses("Dati della persona / impresa", companyMistakes...)
	b.press("Conferma", "ragione_sociale", "Officine Bianchi", "codice_fiscale_impresa", "09876543217").at("Dati di Contatto")
}

func TestCorrectionOfTheHolderIsWrong(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.Summary).click("Modifica l'intestatario")
	b.refuses("Modifica l'intestatario", companyMistakes...)
	b.get("/riepilogo/intestatario").refuses("Modifica l'intestatario",
		mistake{"Conferma", []string{"codice_fiscale_impresa", "02468135799"}, "codice_fiscale_impresa",
			"Questo codice fiscale non corrisponde all'intestatario della casella. Controllalo"},
		mistake{"Conferma", []string{"intestatario", "privato"}, "intestatario",
			"Secondo i nostri dati la casella è intestata a un'impresa. " +
				"Scegli Impresa / Società, oppure chiedi all'assistenza il cambio di intestatario"})
	form := b.form("Conferma").Without("intestatario")
	b.unchanged(func() { b.post(form).hasError("intestatario", "Scegli il tipo di intestatario") })
}

func addressMistakes(button string) []mistake {
	return []mistake{
		{button, []string{"email", ""}, "email", emailMissing},
		{button, []string{"email", "  "}, "email", emailMissing},
		{button, []string{"email", "anna"}, "email", emailMalformed},
		{button, []string{"email", "anna@"}, "email", emailMalformed},
		{button, []string{"email", "anna@example"}, "email", emailMalformed},
		{button, []string{"email", "anna neri@mail.example"}, "email", emailMalformed},
		{button, []string{"email", `"><script>@mail.example`}, "email", emailSign},
		{button, []string{"email", "a%b@mail.example"}, "email", emailSign},
		{button, []string{"email", "-oQ/x@mail.example"}, "email", emailSign},
		{button, []string{"email", "anna@127.0.0.1"}, "email", emailMalformed},
		{button, []string{"email", "josé@münchen.example"}, "email", emailAccent},
		{button, []string{"email", "a@mail.example,b@mail.example"}, "email", emailMalformed},
		{button, []string{"email", "ANNA.NERI@pec.example"}, "email", emailIsMailbox},
		{button, []string{"email", "altra@pec.example"}, "email", emailIsPEC},
		{button, []string{"email", "anna@pec.altro.example"}, "email", emailIsPEC},
		{button, []string{"email", "anna@legalmail.it"}, "email", emailIsPEC},
	}
}

func contactMistakes(button string) []mistake {
	return append(addressMistakes(button),
		mistake{button, []string{"email", "anna@mail.example", "cellulare", "12"}, "cellulare", phoneMalformed},
		mistake{button, []string{"email", "anna@mail.example", "cellulare", "non lo dico"}, "cellulare", phoneMalformed},
		mistake{button, []string{"email", "anna@mail.example", "cellulare", "06 1234567"}, "cellulare", phoneNotMobile},
		mistake{button, []string{"email", "anna", "cellulare", "12"}, "email", emailMalformed},
		mistake{button, []string{"email", "anna", "cellulare", "12"}, "cellulare", phoneMalformed})
}

func TestContactsAreWrong(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.ContactData)
	b.refuses("Dati di Contatto", contactMistakes("Conferma")...)
	b.press("Conferma", "email", "anna@mail.example", "cellulare", "+393471234567").at("Controlla i dati")
	b.click("Modifica l'e-mail").refuses("Modifica i contatti", contactMistakes("Conferma")...)
	b.proceed(anna, qualification.Summary, qualification.Summary).get("/").proceed(anna, qualification.Summary, qualification.Identified)
	b.click("Modifica dove arriverà il codice OTP").refuses("Modifica i contatti", contactMistakes("Conferma")...)
	b.press("Conferma", "email", "anna@mail.example", "cellulare", "").at("Identificazione riuscita")
	b.proceed(anna, qualification.Identified, qualification.CodeEntry)
	b.click("Modifica i contatti").refuses("Modifica i contatti", contactMistakes("Conferma")...)
	b.press("Conferma", "email", "anna@mail.example", "cellulare", "").at("Inserisci il codice")
}

func TestInvitationAddressIsWrong(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.HolderChoice).press("Conferma", "ruolo", "no").at("Invita l'intestatario")
	b.refuses("Invita l'intestatario", addressMistakes("Invia l'invito")...)
	b.press("Invia l'invito", "email", "anna@mail.example")
	b.at("Invito in partenza", "Stiamo inviando l'invito a anna@mail.example.").showsNotice("")
	// From now on an empty address means the same address again.
	b.refuses("Invito in partenza", addressMistakes("Invia l'invito")[2:]...)
	if b.Find("details[open]").Length() != 1 {
		t.Error("the error is hidden, since the details are closed")
	}
	b.get("/")
	for range qualification.InvitationsPerDay - 1 {
		b.press("Invia di nuovo").at("Invito in partenza")
	}
	b.unchanged(func() {
		b.press("Invia di nuovo")
		b.hasError("email", "Hai inviato troppi inviti. Riprova dopo le "+b.clock.RomeIn(24*time.Hour).Format("15:04 (02/01/2006)"))
	})
	b.clock.Advance(24 * time.Hour)
	b.handOver(anna).press("Invia di nuovo").at("Invito in partenza")
}

func TestCodeIsWrong(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	const heading = "Inserisci il codice"
	refused := func(typed, sentence string) {
		t.Helper()
		b.press("Conferma", "codice", typed).answered(http.StatusUnprocessableEntity, heading)
		b.hasError("codice", sentence).hasValue("codice", "")
		if strings.Contains(b.Body, "234 567") {
			t.Error("the page contains the code")
		}
		b.stateIs(anna, qualification.CodeEntry)
	}
	b.unchanged(func() {
		refused("", "Inserisci il codice che ti abbiamo inviato")
		refused("12345", "Il codice è di 6 cifre")
		refused("1234567", "Il codice è di 6 cifre")
		refused("12345a", "Il codice è di 6 cifre")
		// A code that is typed before one was sent is not counted as wrong.
		refused("123456", "Non c'è ancora un codice valido. Attendi il messaggio o, appena puoi, seleziona Invia di nuovo")
	})
	first := b.sendCode()
	refused(wrongCode(first), "Il codice non è corretto. Hai ancora 4 tentativi")
	b.clock.Advance(20 * time.Second)
	b.press("Invia di nuovo").at(heading, "Stiamo inviando")
	second := b.sendCode()
	if first != second {
		b.unchanged(func() {
			refused(first, "Questo codice è stato sostituito da uno più recente. Usa l'ultimo che hai ricevuto")
		})
	}
	b.clock.Advance(60 * time.Second)
	b.unchanged(func() {
		refused(second, "Il codice è scaduto. Seleziona Invia di nuovo per riceverne un altro")
		refused(wrongCode(second), "Il codice è scaduto. Seleziona Invia di nuovo per riceverne un altro")
	})
	b.press("Invia di nuovo")
	third := b.sendCode()
	refused(wrongCode(third), "Il codice non è corretto. Hai ancora 3 tentativi")
	refused(wrongCode(third), "Il codice non è corretto. Hai ancora 2 tentativi")
	refused(wrongCode(third), "Il codice non è corretto. Hai ancora un tentativo")
	over := b.after(15 * time.Minute)
	b.press("Conferma", "codice", wrongCode(third)).answered(http.StatusUnprocessableEntity, "Procedura in pausa",
		"Sono stati inseriti troppi codici sbagliati. Riprova dopo le "+over, "la procedura è in pausa fino alle "+over)
	if b.Find("form[action='/codice']").Length() != 0 {
		t.Error("a code can be typed during the pause")
	}
	// During the pause the right code is refused, and no other code is sent.
	right := b.form("Invia di nuovo").With("codice", third)
	right.Action = "/codice"
	b.unchanged(func() {
		b.post(right).answered(http.StatusUnprocessableEntity, "Procedura in pausa", "Riprova dopo le "+over)
		b.press("Invia di nuovo").answered(http.StatusUnprocessableEntity, "Procedura in pausa", "Riprova dopo le "+over)
	})
	// The pause applies to the mailbox: a new session does not end it.
	other := b.enter(anna)
	other.proceed(anna, qualification.CodeEntry, qualification.CodeEntry).at("Ora identificati")
	other.proceed(anna, qualification.Identification, qualification.CodeEntry).at("Procedura in pausa", "la procedura è in pausa fino alle "+over)
	b.clock.Advance(15 * time.Minute)
	other.get("/").at(heading, "Al momento non c'è un codice valido.")
	other.press("Invia di nuovo").press("Conferma", "codice", b.sendCode()).at("Identificazione avvenuta con successo")
}

// Bytes that the database cannot store are removed from the input, and cause no
// internal error.
func TestInputIsCleaned(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.CompanyData)
	b.press("Conferma", "ragione_sociale", "Officine\x00 \xff\xfeBianchi\x1b", "codice_fiscale_impresa", "09876543217\x00")
	b.at("Dati di Contatto")
	b.press("Conferma").at("Controlla i dati", "Officine Bianchi")
	b.press("SALVA E PROCEDI")
	b.unchanged(func() {
		bad := b.request(http.MethodPost, "/indietro?%zz", b.form("Indietro").Values)
		b.load(bad).answered(http.StatusBadRequest, "Richiesta non accettata")
	})
}

func TestMaximumSizeIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/fields.md")
	if want := fmt.Sprintf("A form has at most %d KiB.", maxBody>>10); err != nil || !strings.Contains(string(text), want) {
		t.Errorf("docs/fields.md does not say %q (%v)", want, err)
	}
}

func TestBodyIsTooLarge(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.HolderChoice)
	form := b.form("Conferma", "ruolo", "si").With("altro", strings.Repeat("x", maxBody))
	b.unchanged(func() {
		b.post(form).answered(http.StatusRequestEntityTooLarge, "Richiesta troppo lunga", "più lungo di quanto possiamo ricevere")
	})
	b.get("/").press("Conferma", "ruolo", "si").at("Cosa occorre")
	b = at(t, anna, qualification.Identification)
	answer := b.answer(b.ask(), "Anna Neri").With("altro", strings.Repeat("x", maxBody))
	b.unchanged(func() { b.deliver(answer).answered(http.StatusRequestEntityTooLarge, "Richiesta troppo lunga") })
	b.deliver(answer.With("altro", strings.Repeat("x", maxBody/2))).at("Identificazione riuscita")
}

// Each confirmed change of the address sends mails. After five changes in a day the
// user must wait, or enter the address on record. Unconfirmed changes do not count.
func TestContactsAreChangedTooOften(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	change := func(address string) *browser {
		return b.click("Modifica l'e-mail").press("Conferma", "email", address).at("Controlla i dati", address)
	}
	for i := range 5 {
		change("errore" + strconv.Itoa(i) + "@mail.example")
		change("altra" + strconv.Itoa(i) + "@mail.example").press("SALVA E PROCEDI").at("Ora identificati")
		b.press("Indietro").at("Controlla i dati")
	}
	change("altra5@mail.example")
	b.unchanged(func() {
		b.press("SALVA E PROCEDI").answered(http.StatusUnprocessableEntity, "Controlla i dati", "altra5@mail.example",
			"Hai cambiato l'indirizzo e-mail troppe volte. Riprova dopo le ", ", oppure inserisci l'indirizzo che conoscevamo già")
	})
	change(anna.email).press("SALVA E PROCEDI").at("Ora identificati")
}
