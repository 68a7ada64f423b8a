package templates

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

// render gives a page as text and as a document to select from.
func render(t *testing.T, all *Templates, s sample) (string, *goquery.Document) {
	t.Helper()
	var b bytes.Buffer
	if err := all.Page(&b, s.page, s.Page); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), doc
}

// text is what is read of a selection, with single spaces.
func text(s *goquery.Selection) string {
	return strings.Join(strings.Fields(s.Text()), " ")
}

func TestEveryPageHasSamples(t *testing.T) {
	var sampled []string
	for _, s := range samples("it") {
		if !slices.Contains(sampled, s.page) {
			sampled = append(sampled, s.page)
		}
	}
	slices.Sort(sampled)
	if names := newTemplates(t).Names(); !slices.Equal(names, sampled) {
		t.Errorf("pages are  %v\nsamples are %v", names, sampled)
	}
	for name := range steps {
		if !slices.Contains(sampled, name) {
			t.Errorf("step of a page %q that does not exist", name)
		}
	}
}

func TestPages(t *testing.T) {
	all := newTemplates(t)
	for _, locale := range locales {
		titles := map[string]string{}
		for _, s := range samples(locale) {
			t.Run(locale+"/"+s.name(), func(t *testing.T) {
				page, doc := render(t, all, s)
				checkNesting(t, page)
				checkPolicy(t, doc)
				checkLabels(t, doc)
				checkForms(t, doc, s)

				if lang, _ := doc.Find("html").Attr("lang"); lang != locale {
					t.Errorf("lang is %q", lang)
				}
				if n := doc.Find("h1").Length(); n != 1 {
					t.Errorf("%d h1", n)
				}
				title := text(doc.Find("title"))
				if len(s.Errors) > 0 {
					var ok bool
					if title, ok = strings.CutPrefix(title, all.Text(locale, "fault_prefix", nil)+" "); !ok {
						t.Errorf("the title of a page with faults is %q", title)
					}
				}
				if other, ok := titles[title]; ok && other != s.page {
					t.Errorf("title %q is also that of %s", title, other)
				}
				titles[title] = s.page
				if s.Mailbox != "" && !strings.Contains(text(doc.Find("header")), s.Mailbox) {
					t.Error("the header does not name the mailbox")
				}
				if strings.Contains(page, "<no value>") || strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "%!") {
					t.Error("something was not filled in")
				}
				if got := doc.Find(".summary a, .summary li").Length() > 0; got != (len(s.Errors) > 0) {
					t.Errorf("error summary shown: %v", got)
				}
				if doc.Find(`a.skip[href="#main"]`).Length() != 1 || doc.Find("main#main").Length() != 1 {
					t.Error("no skip link")
				}
				footer := doc.Find("footer")
				for _, url := range []string{site.PrivacyURL, site.AccessibilityURL, site.HelpURL} {
					if footer.Find(`a[href="`+url+`"]`).Length() != 1 {
						t.Errorf("the footer lacks %s", url)
					}
				}
				if got := doc.Find(`form[action="/esci"] button`).Length() == 1; got != s.Leave {
					t.Errorf("Esci offered: %v", got)
				}
				if got := doc.Find(`form[action="/indietro"] button`).Length() == 1; got != s.Back {
					t.Errorf("Indietro offered: %v", got)
				}
			})
		}
	}
}

// checkNesting demands what browsers would silently repair: every element that
// needs an end has its own.
func checkNesting(t *testing.T, page string) {
	void := []string{"meta", "link", "input", "img", "br", "hr", "wbr"}
	var open []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Errorf("left open: %v", open)
			}
			return
		case html.StartTagToken:
			name, _ := z.TagName()
			if !slices.Contains(void, string(name)) {
				open = append(open, string(name))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Errorf("</%s> closes %v", name, open)
				return
			}
			open = open[:len(open)-1]
		}
	}
}

// checkPolicy looks for what the Content-Security-Policy would block.
func checkPolicy(t *testing.T, doc *goquery.Document) {
	if doc.Find("style, [style], base, iframe, object").Length() > 0 {
		t.Error("inline style, or a frame")
	}
	doc.Find("script").Each(func(_ int, s *goquery.Selection) {
		if src, _ := s.Attr("src"); !strings.HasPrefix(src, "/static/") || text(s) != "" {
			t.Errorf("a script from %q", src)
		}
	})
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		for _, a := range s.Nodes[0].Attr {
			if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "data:") || strings.HasPrefix(a.Val, "javascript:") {
				t.Errorf("<%s %s=%q>", s.Nodes[0].Data, a.Key, a.Val)
			}
		}
	})
}

func checkLabels(t *testing.T, doc *goquery.Document) {
	seen := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id, _ := s.Attr("id")
		if seen[id] {
			t.Errorf("two elements have the id %q", id)
		}
		seen[id] = true
	})
	doc.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquery.Selection) {
		id, _ := s.Attr("id")
		if id == "" || text(doc.Find(`label[for="`+id+`"]`)) == "" {
			t.Errorf("input %q has no label", id)
		}
		if kind, _ := s.Attr("type"); kind == "radio" && s.Closest("fieldset").Find("legend").Length() != 1 {
			t.Errorf("radio %q stands in no fieldset with a legend", id)
		}
	})
	doc.Find("[aria-describedby], [aria-labelledby]").Each(func(_ int, s *goquery.Selection) {
		for _, name := range []string{"aria-describedby", "aria-labelledby"} {
			ids, _ := s.Attr(name)
			for _, id := range strings.Fields(ids) {
				if !seen[id] {
					t.Errorf("%s points to %q, which is not there", name, id)
				}
			}
		}
	})
	doc.Find(`a[href^="#"]`).Each(func(_ int, s *goquery.Selection) {
		if href, _ := s.Attr("href"); !seen[href[1:]] {
			t.Errorf("a link leads to %s, which is not there", href)
		}
	})
	doc.Find("button, a, summary, legend, h1, h2").Each(func(_ int, s *goquery.Selection) {
		if text(s) == "" {
			t.Errorf("an empty <%s>", s.Nodes[0].Data)
		}
	})
	doc.Find("img").Each(func(_ int, s *goquery.Selection) {
		if alt, _ := s.Attr("alt"); alt == "" && text(s.Closest("a")) == "" {
			t.Error("an image without words")
		}
	})
}

func checkForms(t *testing.T, doc *goquery.Document, s sample) {
	doc.Find("form").Each(func(_ int, form *goquery.Selection) {
		action, _ := form.Attr("action")
		if method, _ := form.Attr("method"); method != "post" {
			t.Errorf("form %q has method %q", action, method)
		}
		if form.Find("button[type=submit]").Length() != 1 {
			t.Errorf("form %q has not one button", action)
		}
		if strings.HasPrefix(action, "https://") { // whose site the state is nothing to
			if form.Find("[name=id], [name=version]").Length() > 0 {
				t.Errorf("form %q takes the state to another site", action)
			}
			return
		}
		id, _ := form.Find("input[type=hidden][name=id]").Attr("value")
		version, _ := form.Find("input[type=hidden][name=version]").Attr("value")
		if id != s.Form.Qualification || version != "7" {
			t.Errorf("form %q is bound to %q, version %q", action, id, version)
		}
	})
	for _, e := range s.Errors {
		input := doc.Find(`input[name="` + e.Field + `"]`)
		if input.Length() == 0 {
			continue // the pause of the code page leaves nothing to type
		}
		if doc.Find("#"+e.Field+"-fault").Length() != 1 {
			t.Errorf("field %q does not show its fault", e.Field)
		}
		if by, _ := input.First().Attr("aria-describedby"); !strings.Contains(by, e.Field+"-fault") {
			t.Errorf("field %q is described by %q", e.Field, by)
		}
	}
}

func TestWhatIsTypedIsKeptAndEscaped(t *testing.T) {
	all := newTemplates(t)
	var b bytes.Buffer
	typed := `"><script>alert(1)</script>`
	err := all.Page(&b, "contact_data", Page{Mailbox: typed, Values: map[string]string{"email": typed}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<script>") {
		t.Error("what is typed becomes part of the page")
	}
	doc, err := goquery.NewDocumentFromReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := doc.Find("#email").Attr("value"); got != typed {
		t.Errorf("the field holds %q", got)
	}
	if got := text(doc.Find("header .mailbox")); got != "Casella: "+typed {
		t.Errorf("the header says %q", got)
	}
}

// TestGuide compares the pages with the public guide of the procedure, whose
// labels and sentences people have in front of them.
func TestGuide(t *testing.T) {
	guide := []struct{ page, selector, text string }{
		{"holder_choice", `label[for=ruolo]`, "Sono il legale rappresentante o l'intestatario della casella"},
		{"holder_choice", `label[for=ruolo-no]`, "Non sono il legale rappresentante o l'intestatario della casella"},
		{"holder_choice", `form[action="/scelta"] button`, "Conferma"},
		{"introduction", "h1", "Cosa occorre"},
		{"introduction", `form[action="/introduzione"] button`, "PROCEDI"},
		{"holder_invitation", `form[action="/invito"] button`, "Invia l'invito"},
		{"invited", `form[action="/invito/annulla"] button`, "Annulla l'invito"},
		{"invited-rejected", "h1", "Richiesta dell'intestatario non riuscita"},
		{"invitation", "form:not([action]) button", "PROCEDI"},
		{"invitation", `form[action="/invito/abc/rifiuta"] button`, "Non riconosco questa casella"},
		{"holder_kind", "h1", "Intestatario della casella PEC"},
		{"holder_kind", `label[for=intestatario]`, "Impresa / Società"},
		{"holder_kind", `label[for=intestatario-privato]`, "Privato Cittadino"},
		{"holder_kind", `form[action="/intestatario"] button`, "Conferma"},
		{"company_data", "h1", "Dati della persona / impresa"},
		{"company_data", `label[for=ragione_sociale]`, "Ragione sociale"},
		{"company_data", `label[for=codice_fiscale_impresa]`, "Codice fiscale impresa (*)"},
		{"company_data", `form[action="/impresa"] button`, "Conferma"},
		{"contact_data", "h1", "Dati di Contatto"},
		{"contact_data", `label[for=email]`, "E-mail (*)"},
		{"contact_data", `label[for=cellulare]`, "Cellulare"},
		{"contact_data", `form[action="/contatti"] button`, "Conferma"},
		{"summary", `form[action="/riepilogo"] button`, "SALVA E PROCEDI"},
		{"identification", `a[href="/identificazione"]`, "Inizia l'identificazione"},
		{"methods", `a[href="/identificazione/spid"]`, "Entra con SPID"},
		{"providers", ".providers li:first-child a", "Prosegui con Identità di prova"},
		{"identified", `form[action="/identita"] button`, "PROCEDI"},
		{"identified", `form[action="/identita/altra"] button`, "Non sono io / casella sbagliata"},
		{"contract", "h1", "Informativa contrattuale"},
		{"contract", ".lead", `Prendere visione dell'"Informativa contrattuale" prima di completare la richiesta di identificazione.`},
		{"contract", `form[action="/informativa"] button`, "COMPLETA LA RICHIESTA DI IDENTIFICAZIONE"},
		{"code-sent", `label[for=codice]`, "Codice OTP (*)"},
		{"code-sent", `form[action="/codice"] button`, "Conferma"},
		{"code-sent", `form[action="/codice/invia"] button`, "Invia di nuovo"},
		{"rejected-holder", "h1", "La tua richiesta di qualifica della PEC Esempio non è andata a buon fine: riprova"},
		{"rejected-holder", `form[action="/riprova"] button`, "Riprova"},
		{"rejected-holder", `form[action="/riprova/identita"] button`, "Ripeti l'identificazione con un'altra identità"},
		{"qualified", "h1", "Identificazione avvenuta con successo"},
		{"start", `form[action="/start/abc"] button`, "Continua"},
	}
	all := newTemplates(t)
	pages := map[string]*goquery.Document{}
	for _, s := range samples("it") {
		_, pages[s.name()] = render(t, all, s)
	}
	for _, g := range guide {
		if got := text(pages[g.page].Find(g.selector)); got != g.text {
			t.Errorf("%s: %s says %q, want %q", g.page, g.selector, got, g.text)
		}
	}
}

func TestCodePage(t *testing.T) {
	all := newTemplates(t)
	for _, s := range samples("it") {
		if s.page != "code" {
			continue
		}
		_, doc := render(t, all, s)
		paused := s.Data.(Code).Status == CodePaused
		field := doc.Find("input[name=codice]")
		if (field.Length() == 0) != paused {
			t.Errorf("%s: %d fields", s.name(), field.Length())
		}
		if v, _ := field.Attr("autocomplete"); !paused && v != "one-time-code" {
			t.Errorf("%s: autocomplete is %q", s.name(), v)
		}
		if got := strings.Contains(text(doc.Find("main")), "14:20"); got != paused {
			t.Errorf("%s: tells the end of the pause: %v", s.name(), got)
		}
		if doc.Find("#resend").Length() != 1 || doc.Find("button[disabled]").Length() != 0 {
			t.Errorf("%s: without a script a new code could not be asked for", s.name())
		}
		if doc.Find(`a[href="/codice/contatti"]`).Length() != 1 {
			t.Errorf("%s: no way to mend the address", s.name())
		}
		if doc.Find("[role=status]").Length() != 1 || doc.Find("[role=status] #left, #left[role]").Length() != 0 {
			t.Errorf("%s: the visible seconds must not be read out", s.name())
		}
	}
}

func TestPageFailsWhole(t *testing.T) {
	all := newTemplates(t)
	var b bytes.Buffer
	if err := all.Page(&b, "nowhere", Page{}); err == nil {
		t.Error("a page that does not exist is rendered")
	}
	if err := all.Page(&b, "summary", Page{Data: Ended{}}); err == nil {
		t.Error("a page with another page's data is rendered")
	}
	if err := all.Page(&b, "holder_choice", Page{Errors: []FieldError{{Field: "ruolo", Message: "error_nobody_knows"}}}); err == nil {
		t.Error("a message that does not exist is rendered")
	}
	if b.Len() > 0 {
		t.Errorf("a failed page wrote %q", b.String())
	}
}
