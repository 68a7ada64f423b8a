package templates

import (
	"bytes"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// cieSite returns the templates of a provider whose holders can log in with CIE too.
func cieSite(t *testing.T) *Templates {
	t.Helper()
	s := site
	s.CIE = true
	all, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLoginFailed(t *testing.T) {
	t.Parallel()
	const (
		failed    = "Identificazione non riuscita"
		cancelled = "Identificazione non completata"
	)
	tests := []struct {
		data            LoginFailed
		title, sentence string
	}{
		{LoginFailed{Code: "nr19"}, failed, "Verifica nome utente e password sul sito del tuo gestore SPID, poi riprova."},
		{LoginFailed{Code: "nr19", CIE: true}, failed, "Verifica le tue credenziali CIE o il PIN della carta, poi riprova."},
		{LoginFailed{Code: "nr20", Level: "3"}, failed, "La tua identità SPID non ha il livello richiesto (livello 3). " +
			"Attivalo presso il tuo gestore, poi riprova; oppure usa la CIE."},
		{LoginFailed{Code: "nr20", Level: "3", CIE: true}, failed, "Non hai usato la CIE al livello richiesto (livello 3)."},
		{LoginFailed{Code: "nr21"}, failed, "Il tempo per completare l'accesso è scaduto."},
		{LoginFailed{Code: "nr22"}, cancelled, "Senza quei dati non possiamo identificarti."},
		{LoginFailed{Code: "nr23"}, failed,
			"La tua identità SPID risulta sospesa, revocata o bloccata. Contatta il tuo gestore, oppure usa la CIE."},
		{LoginFailed{Code: "nr23", CIE: true}, failed, "La tua CIE risulta scaduta, revocata o bloccata."},
		{LoginFailed{Code: "nr25"}, cancelled, "Hai annullato l'accesso. Quando vuoi, riprova."},
		{LoginFailed{Code: "nr30"}, failed, "Usa SPID personale."},
		{LoginFailed{Code: "nr30", Purpose: "PG"}, failed,
			"Per questa casella occorre un'identità SPID a uso professionale rilasciata per l'impresa (persona giuridica)."},
		{LoginFailed{Code: "nr30", Purpose: "PF"}, failed,
			"Per questa casella occorre un'identità SPID a uso professionale della persona fisica."},
		{LoginFailed{Code: "suspended"}, failed, "In questo momento l'accesso con questo gestore non è disponibile."},
		{LoginFailed{Code: "technical"}, failed,
			"C'è stato un problema tecnico nel collegamento con SPID. Non dipende da te: riprova tra qualche minuto."},
		{LoginFailed{Code: "technical", CIE: true}, failed,
			"C'è stato un problema tecnico nel collegamento con CIE. Non dipende da te"},
	}
	all := cieSite(t)
	for _, test := range tests {
		test.data.Known = true
		_, doc := render(t, all, sample{page: "login_failed", Page: Page{Locale: "it", Data: test.data}})
		if got := text(doc.Find("h1")); got != test.title {
			t.Errorf("%+v has the title %q", test.data, got)
		}
		if got := text(doc.Find(".lead")); !strings.Contains(got, test.sentence) {
			t.Errorf("%+v says %q, want %q", test.data, got, test.sentence)
		}
		if doc.Find("[role=alert], .summary, .fault").Length() > 0 {
			t.Errorf("%+v is shown with the markup of an error", test.data)
		}
		for want, on := range map[string]string{"/identificazione": "Scegli un altro metodo", "/identificazione/spid": "Riprova"} {
			switch {
			case test.data.CIE && want == "/identificazione/spid":
				continue
			case test.data.CIE:
				on = "Riprova"
			case test.data.Code == "suspended" && want == "/identificazione/spid":
				on = "Scegli un altro gestore"
			}
			if got := text(doc.Find(`a.button[href="` + want + `"]`)); got != on {
				t.Errorf("%+v: the button to %s is %q, want %q", test.data, want, got, on)
			}
		}
	}
}

// The pages mention CIE only if logins with CIE are on. Then all pages that say
// that the user needs SPID mention CIE too.
func TestCIEIsMentionedIfItIsOn(t *testing.T) {
	t.Parallel()
	without, with := newTemplates(t), cieSite(t)
	mentioned := map[string]bool{
		"introduction":      true,
		"identification":    true,
		"welcome":           true,
		"login_failed-nr20": true,
		"login_failed-nr23": true,
	}
	for _, locale := range locales {
		for _, s := range samples(locale) {
			if strings.HasSuffix(s.variant, "cie") || s.variant == "logos" {
				continue
			}
			_, doc := render(t, without, s)
			if strings.Contains(text(doc.Find("main")), "CIE") {
				t.Errorf("%s %s mentions CIE, which is off: %s", locale, s.name(), text(doc.Find("main")))
			}
			_, doc = render(t, with, s)
			if mentioned[s.name()] && !strings.Contains(text(doc.Find("main")), "CIE") {
				t.Errorf("%s %s does not mention CIE: %s", locale, s.name(), text(doc.Find("main")))
			}
		}
		for all, want := range map[*Templates]bool{without: false, with: true} {
			m, err := all.Mail("invitation", mailKinds(locale)["invitation"])
			if err != nil || strings.Contains(m.Text, "CIE") != want {
				t.Errorf("%s: the invitation mentions CIE: %v: %v %s", locale, !want, err, m.Text)
			}
		}
	}
}

func TestLevelNames(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	for level, want := range map[string]string{
		"SpidL2": "SPID, livello 2",
		"SpidL3": "SPID, livello 3",
		"CieL3":  "CIE, livello 3",
		"other":  "other",
	} {
		if got, err := all.messages["it"].LevelName(level); got != want || err != nil {
			t.Errorf("%s is %q, %v", level, got, err)
		}
	}
}

// Method names the provider for SPID only: CIE has one provider, whose name adds
// nothing.
func TestMethod(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	for _, c := range []struct{ locale, level, provider, want string }{
		{"it", "SpidL2", "Poste ID", "SPID, livello 2, con Poste ID"},
		{"en", "SpidL2", "Poste ID", "SPID, level 2, with Poste ID"},
		{"it", "CieL3", "https://idserver.example/idp", "CIE, livello 3"},
		{"en", "CieL2", "Carta di Identità Elettronica", "CIE, level 2"},
	} {
		if got, err := all.messages[c.locale].Method(c.level, c.provider); got != c.want || err != nil {
			t.Errorf("%s at %s is %q, %v, want %q", c.provider, c.level, got, err, c.want)
		}
	}
}

// The form to an identity provider contains only the SAML message, and escapes it.
func TestLoginPost(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	post := func(data LoginPost) *goquery.Document {
		var b bytes.Buffer
		if err := all.Page(&b, "login_post", Page{Locale: "it", Data: data}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "<b>") {
			t.Error("the form's values are not escaped")
		}
		doc, err := goquery.NewDocumentFromReader(&b)
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	const nasty = `"><b>x</b><script>alert(1)</script>`
	doc := post(LoginPost{Provider: nasty, URL: "https://idp.example/sso?a=1&b=2", SAMLRequest: nasty, RelayState: nasty})
	form := doc.Find("form")
	if form.Length() != 1 || form.AttrOr("method", "") != "post" || form.AttrOr("action", "") != "https://idp.example/sso?a=1&b=2" {
		t.Errorf("there are %d forms, with method %q and action %q", form.Length(), form.AttrOr("method", ""), form.AttrOr("action", ""))
	}
	for _, name := range []string{"SAMLRequest", "RelayState"} {
		// The official tester expects them as direct children of the form.
		if got := form.ChildrenFiltered(`input[type=hidden][name=`+name+`]`).AttrOr("value", ""); got != nasty {
			t.Errorf("%s is %q", name, got)
		}
	}
	if n := form.Find("input").Length(); n != 2 {
		t.Errorf("the form has %d inputs", n)
	}
	if got := text(form.Find("button[type=submit]")); got != "Continua" {
		t.Errorf("the button is %q", got)
	}
	if doc.Find(`script[src^="/static/post."]`).Length() != 1 {
		t.Error("no script submits the form")
	}
	for _, url := range []string{"javascript:alert(1)", "data:text/html,x", " javascript:alert(1)"} {
		got := post(LoginPost{URL: url}).Find("form").AttrOr("action", "")
		if strings.Contains(got, "alert") || strings.HasPrefix(got, "data:") {
			t.Errorf("the form goes to %q", got)
		}
	}
}
