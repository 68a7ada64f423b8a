package web

import (
	"net/http"
	"strings"
	"testing"

	"stella/workflow"
)

// A person who reads English only is handed over in Italian, and chooses English.
func TestTheLanguageFollowsThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	b := w.browser()
	b.reads = "en-GB,en;q=0.9"
	b.handOver(anna).at("Conferma identità").in("it") // the webmail's language comes before the browser's
	b.click("English").at("Confirm your identity").in("en")
	b.press("Confirm", "ruolo", "si").in("en")
	b.press("PROCEED").in("en").press("Confirm", "intestatario", "privato").in("en")
	b.press("Confirm", "email", "").answered(http.StatusUnprocessableEntity, "Contact details").in("en") // a form that is wrong
	b.press("Confirm", "email", "another@mail.example").in("en")
	b.press("SAVE AND PROCEED").in("en").click("Start the identification").in("en").click("Enter with SPID").in("en")
	b.click("Continue with Identità di prova")
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua").in("en")
	b.press("PROCEED").in("en").press("COMPLETE THE IDENTIFICATION REQUEST").in("en")
	b.get("/altrove").answered(http.StatusNotFound, "Page not found").in("en")
	b.get("/").press("Confirm", "codice", b.sendCode()).at("Identification completed successfully").in("en")
	w.locales("another@mail.example", "code en, qualified en")
	w.locales(anna.email, "contacts_changed en")
	w.locales(anna.mailbox, "contacts_changed en, qualified_pec en")
}

// Each is written to in the language that they were last shown: the inviter in
// theirs, and the invited holder in theirs.
func TestInviterAndInvitedHaveALanguageEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(bianchi)
	inviter := w.browser()
	inviter.handOver(bianchi).click("English").press("Confirm", "ruolo", "no")
	inviter.press("Send the invitation", "email", "luca.bianchi@mail.example").in("en")
	holder := w.browser() // whose browser is Italian
	holder.get(w.invitationLink()).at("Ti chiedono di confermare l'identità").in("it").press("PROCEDI").in("it")
	luca := bianchi
	luca.email = "luca.bianchi@mail.example"
	holder.goOn(luca, workflow.HolderKind, workflow.Qualified).at("Identificazione avvenuta con successo")
	inviter.get("/").in("en")
	w.locales("luca.bianchi@mail.example", "code it, invitation en, qualified it")
	w.locales("amministrazione@bianchi.example", "contacts_changed en")
	w.locales(bianchi.mailbox, "contacts_changed en, invitation_qualified en, qualified_pec en")
}

// A hand-off that names no language leaves it to the browser.
func TestWithoutALocaleTheBrowserDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	secret, err := w.procedure.HandOff(t.Context(), w.webmail, anna.mailbox, returnURL, "", "utente-7")
	w.must(err)
	w.secrets = append(w.secrets, secret)
	b := w.browser()
	b.reads = "en-GB"
	b.start(secret).in("en").press("Confirm", "ruolo", "no").press("Send the invitation", "email", "luca.bianchi@mail.example")
	w.locales("luca.bianchi@mail.example", "invitation en")
}

// The switch is on every page, whatever was answered, and without a session.
func TestEveryPageHasASwitchOfLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(bianchi)
	alone := w.browser()
	for path, want := range map[string]string{"/": "/", "/altrove": "/altrove", "/start/none": "/start/none", "/invito/none": "/invito/none",
		"/spid/return": "/", "/spid/logout": "/"} {
		if got := alone.get(path).in("it").link("English"); got != w.url+want+"?lingua=en" {
			t.Errorf("the switch of %s is %q", path, got)
		}
	}
	secret := w.handOff(bianchi)
	alone.get("/start/" + secret).in("it").click("English").in("en").click("Italiano").in("it")
	b := at(t, bianchi, workflow.Summary)
	b.click("Modifica l'e-mail").press("Conferma", "email", "").answered(http.StatusUnprocessableEntity, "Modifica i contatti").in("it")
	b.click("English").in("en")
	if b.page.url.Path != "/riepilogo/contatti" || b.status != http.StatusOK {
		t.Errorf("a wrong form's switch leads to %s", b.page.url)
	}
	r := b.request(http.MethodPost, "/esci", nil)
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if got := b.load(r).answered(http.StatusForbidden, "Richiesta non accettata").link("English"); got != b.world.url+"/?lingua=en" {
		t.Errorf("the switch of a refused form is %q", got)
	}
}

func TestTheSwitchOfLanguageChangesNothingElse(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	b.unchanged(func() {
		for _, lingua := range []string{"en", "it", "fr", "<b>", "//evil.example"} {
			b.get("/?lingua=" + lingua)
			if b.status != http.StatusOK || len(b.trail) != 0 {
				t.Errorf("?lingua=%s is answered %d by way of %v", lingua, b.status, b.trail)
			}
		}
		b.in("it") // a language that there is not changes nothing
		ahead := b.request(http.MethodGet, "/?lingua=en", nil)
		ahead.Header.Set("Sec-Purpose", "prefetch")
		b.send(ahead)
		b.get("/").in("it") // nor does a page that is loaded ahead
	})
	if vary := b.header.Get("Vary"); vary != "Accept-Language, Cookie" {
		t.Errorf("pages vary by %q", vary)
	}
	for _, path := range []string{"//evil.example", "//evil.example/rifiuta", "/a//b"} {
		r, err := http.NewRequest(http.MethodGet, "http://stella.example"+path, nil)
		b.must(err)
		r.Pattern = "/"
		if got := reopened(r); strings.HasPrefix(got, "//") {
			t.Errorf("the switch of %s leads to %s", path, got)
		}
	}
}

// in checks the language of the page, as browsers and people are told it.
func (b *browser) in(locale string) *browser {
	b.Helper()
	other := map[string]string{"it": "English", "en": "Italiano"}[locale]
	if lang, told := b.Find("html").AttrOr("lang", ""), b.header.Get("Content-Language"); lang != locale || told != locale {
		b.Errorf("%s is in %q, told as %q; want %s", b.page.url.Path, lang, told, locale)
	}
	if got := text(b.Find("header .language a")); got != other {
		b.Errorf("%s offers the languages %q", b.page.url.Path, got)
	}
	return b
}

// locales checks the language of each kind of mail to an address.
func (w *world) locales(to, want string) {
	w.Helper()
	got := w.query(`select string_agg(distinct kind || ' ' || locale, ', ' order by kind || ' ' || locale) from mails where recipient = $1`, to)
	if got != want {
		w.Errorf("the mails to %s are %s, want %s", to, got, want)
	}
}

// A SAML response arrives without Stella's cookies. The page that refuses it is in
// the language in which the procedure was last shown.
func TestARefusedAnswerIsInTheLanguageOfItsLogin(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	b.get("/?lingua=en").in("en")
	request := b.askAt(b.get("/identificazione/spid").link("Continue with Identità di prova"))
	b.deliver(request.acs("no answer")).in("it") // it names no login
	wrong := b.answer(request, "Anna Neri")
	wrong.values.Set("RelayState", "another")
	b.deliver(wrong).answered(http.StatusForbidden, "Identification not successful").in("en")
}
