package web

import (
	"net/http"
	"strings"
	"testing"

	"stella/web/webtest"
	"stella/workflow/qualification"
)

// A webmail hands a user over in Italian, and the user chooses English: all pages
// and mails that follow are in English.
func TestChosenLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	b := w.browser()
	b.Language = "en-GB,en;q=0.9"
	b.handOver(anna).at("Conferma identità").inLanguage("it") // the webmail's language has precedence over the browser's
	b.click("English").at("Confirm your identity").inLanguage("en")
	b.press("Confirm", "ruolo", "si").inLanguage("en")
	b.press("PROCEED").inLanguage("en").press("Confirm", "intestatario", "privato").inLanguage("en")
	b.press("Confirm", "email", "").answered(http.StatusUnprocessableEntity, "Contact details").inLanguage("en") // wrong input
	b.press("Confirm", "email", "another@mail.example").inLanguage("en")
	b.press("SAVE AND PROCEED").inLanguage("en")
	b.click("Start the identification").inLanguage("en").click("Enter with SPID").inLanguage("en")
	b.click("Continue with Identità di prova")
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua").inLanguage("en")
	b.press("PROCEED").inLanguage("en").press("COMPLETE THE IDENTIFICATION REQUEST").inLanguage("en")
	b.get("/altrove").answered(http.StatusNotFound, "Page not found").inLanguage("en")
	b.get("/").press("Confirm", "codice", b.sendCode()).at("Identification completed successfully").inLanguage("en")
	w.locales("another@mail.example", "code en, qualified en")
	w.locales(anna.email, "contacts_changed en")
	w.locales(anna.mailbox, "contacts_changed en, qualified_pec en")
}

// The delegate and the invited holder each get mails in the language of the pages
// that they last saw.
func TestDelegateAndInvitedHolderHaveTheirOwnLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(bianchi)
	inviter := w.browser()
	inviter.handOver(bianchi).click("English").press("Confirm", "ruolo", "no")
	inviter.press("Send the invitation", "email", "luca.bianchi@mail.example").inLanguage("en")
	holder := w.browser() // in Italian
	holder.get(w.invitationLink()).at("Ti chiedono di confermare l'identità").inLanguage("it").press("PROCEDI").inLanguage("it")
	luca := bianchi
	luca.email = "luca.bianchi@mail.example"
	holder.proceed(luca, qualification.HolderKind, qualification.Qualified).at("Identificazione avvenuta con successo")
	inviter.get("/").inLanguage("en")
	w.locales("luca.bianchi@mail.example", "code it, invitation en, qualified it")
	w.locales("amministrazione@bianchi.example", "contacts_changed en")
	w.locales(bianchi.mailbox, "contacts_changed en, invitation_qualified en, qualified_pec en")
}

// If a hand-off has no language, the browser's applies.
func TestHandOffWithoutALanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	secret, err := w.provider.HandOff(t.Context(), w.webmail, anna.mailbox, returnURL, "", "utente-7")
	w.must(err)
	w.secrets = append(w.secrets, secret)
	b := w.browser()
	b.Language = "en-GB"
	b.start(secret).inLanguage("en").press("Confirm", "ruolo", "no")
	b.press("Send the invitation", "email", "luca.bianchi@mail.example")
	w.locales("luca.bianchi@mail.example", "invitation en")
}

// Every page has a language link: with and without a session, and for every status.
func TestEveryPageHasALanguageLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(bianchi)
	alone := w.browser()
	for path, want := range map[string]string{
		"/":            "/",
		"/altrove":     "/altrove",
		"/start/none":  "/start/none",
		"/invito/none": "/invito/none",
		"/spid/return": "/",
		"/spid/logout": "/",
	} {
		if got := alone.get(path).inLanguage("it").link("English"); got != w.url+want+"?lingua=en" {
			t.Errorf("the language link of %s is %q", path, got)
		}
	}
	secret := w.handOff(bianchi)
	alone.get("/start/" + secret).inLanguage("it").click("English").inLanguage("en").click("Italiano").inLanguage("it")
	b := at(t, bianchi, qualification.Summary)
	b.click("Modifica l'e-mail").press("Conferma", "email", "")
	b.answered(http.StatusUnprocessableEntity, "Modifica i contatti").inLanguage("it")
	b.click("English").inLanguage("en")
	if b.URL.Path != "/riepilogo/contatti" || b.Status != http.StatusOK {
		t.Errorf("after wrong input the language link leads to %s", b.URL)
	}
	r := b.request(http.MethodPost, "/esci", nil)
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if got := b.load(r).answered(http.StatusForbidden, "Richiesta non accettata").link("English"); got != b.world.url+"/?lingua=en" {
		t.Errorf("after a refused form the language link is %q", got)
	}
}

func TestLanguageLinkChangesNothingElse(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	b.unchanged(func() {
		for _, lingua := range []string{"en", "it", "fr", "<b>", "//evil.example"} {
			b.get("/?lingua=" + lingua)
			if b.Status != http.StatusOK || len(b.Trail()) != 0 {
				t.Errorf("?lingua=%s returns %d after the redirects %v", lingua, b.Status, b.Trail())
			}
		}
		b.inLanguage("it") // an unknown language changes nothing
		ahead := b.request(http.MethodGet, "/?lingua=en", nil)
		ahead.Header.Set("Sec-Purpose", "prefetch")
		b.send(ahead)
		b.get("/").inLanguage("it") // a prefetch changes nothing
	})
	if vary := b.Header.Get("Vary"); vary != "Accept-Language, Cookie" {
		t.Errorf("Vary is %q", vary)
	}
	for _, path := range []string{"//evil.example", "//evil.example/rifiuta", "/a//b"} {
		r, err := http.NewRequest(http.MethodGet, "http://stella.example"+path, nil)
		b.must(err)
		r.Pattern = "/"
		if got := languagePath(r); strings.HasPrefix(got, "//") {
			t.Errorf("the language link of %s leads to %s", path, got)
		}
	}
}

// inLanguage checks the language of the page: its lang attribute, the
// Content-Language header and the language link.
func (b *browser) inLanguage(locale string) *browser {
	b.Helper()
	other := map[string]string{"it": "English", "en": "Italiano"}[locale]
	if lang, header := b.Find("html").AttrOr("lang", ""), b.Header.Get("Content-Language"); lang != locale || header != locale {
		b.Errorf("%s has the lang %q and the Content-Language %q, want %s", b.URL.Path, lang, header, locale)
	}
	if got := webtest.Text(b.Find("header .language a")); got != other {
		b.Errorf("%s has the language link %q", b.URL.Path, got)
	}
	return b
}

// locales checks the language of each kind of mail to an address.
func (w *world) locales(to, want string) {
	w.Helper()
	got := w.query(`select string_agg(distinct kind || ' ' || locale, ', ' order by kind || ' ' || locale)
		from mails where recipient = $1`, to)
	if got != want {
		w.Errorf("the mails to %s are %s, want %s", to, got, want)
	}
}

// A SAML response arrives without Stella's cookies. The page that refuses it is in
// the language in which the procedure was last shown.
func TestLanguageOfARefusedAnswer(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	b.get("/?lingua=en").inLanguage("en")
	request := b.askAt(b.get("/identificazione/spid").link("Continue with Identità di prova"))
	b.deliver(request.acs("no answer")).inLanguage("it") // the login is unknown
	wrong := b.answer(request, "Anna Neri")
	wrong.Values.Set("RelayState", "another")
	b.deliver(wrong).answered(http.StatusForbidden, "Identification not successful").inLanguage("en")
}
