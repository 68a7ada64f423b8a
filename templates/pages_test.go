package templates

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// render returns a page as text and as a parsed document.
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

// text returns the text of a selection, with single spaces.
func text(s *goquery.Selection) string {
	return strings.Join(strings.Fields(s.Text()), " ")
}

func TestEveryPageHasSamples(t *testing.T) {
	t.Parallel()
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
			t.Errorf("steps has the unknown page %q", name)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
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
					if title, ok = strings.CutPrefix(title, messageText(t, all, locale, "fault_prefix", nil)+" "); !ok {
						t.Errorf("the title of a page with errors is %q", title)
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
					t.Error("an argument is missing")
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

func TestInputIsEscaped(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	var b bytes.Buffer
	typed := `"><script>alert(1)</script>`
	err := all.Page(&b, "contact_data", Page{Mailbox: typed, Values: map[string]string{"email": typed}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<script>") {
		t.Error("the input is not escaped")
	}
	doc, err := goquery.NewDocumentFromReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := doc.Find("#email").Attr("value"); got != typed {
		t.Errorf("the field has the value %q", got)
	}
	if got := text(doc.Find("header .mailbox")); got != "Casella: "+typed {
		t.Errorf("the header says %q", got)
	}
}

func TestCodePage(t *testing.T) {
	t.Parallel()
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
			t.Errorf("%s: the page shows the end of the pause: %v", s.name(), got)
		}
		// The button works without a script, except during a pause.
		if doc.Find("#resend").Length() != 1 || (doc.Find("#resend[disabled]").Length() == 1) != paused {
			t.Errorf("%s: the button for another code is missing, or wrongly enabled or disabled", s.name())
		}
		if by, _ := doc.Find("#resend").Attr("aria-describedby"); !strings.HasPrefix(by, "wait") || doc.Find("#wait").Length() != 1 {
			t.Errorf("%s: the button is not described by the time to wait", s.name())
		}
		if doc.Find(`a[href="/codice/contatti"]`).Length() != 1 {
			t.Errorf("%s: there is no link to change the address", s.name())
		}
		if doc.Find("[role=status]:not(#idle)").Length() != 1 || doc.Find("[role=status] #left, #left[role]").Length() != 0 {
			t.Errorf("%s: screen readers would read each second", s.name())
		}
		heading := "Inserisci il codice"
		if paused {
			heading = "Procedura in pausa"
		}
		if got := text(doc.Find("h1")); got != heading {
			t.Errorf("%s: the heading is %q", s.name(), got)
		}
		// Exactly one button is primary (filled), except during a pause.
		primary := doc.Find("main form:not([action='/esci'], [action='/indietro']) button:not(.second)").Length()
		if primary != 1 && !paused {
			t.Errorf("%s: %d buttons are primary", s.name(), primary)
		}
		if invalid := doc.Find("[aria-invalid]").Length(); s.variant == "resend-error" && invalid != 0 {
			t.Error("the field is marked as invalid, but the error belongs to the button")
		}
	}
}

// The page for the contacts shows the step of the page that opened it.
func TestEditContactsShowsTheOpenersStep(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	want := map[string]string{"": "5 di 5", "later": "5 di 5", "identified": "3 di 5", "summary": "2 di 5"}
	for _, s := range samples("it") {
		if s.page != "edit_contacts" {
			continue
		}
		_, doc := render(t, all, s)
		if got := text(doc.Find(".progress p span")); got != want[s.variant] {
			t.Errorf("%s: the step is %q, want %q", s.name(), got, want[s.variant])
		}
	}
}

func TestFailedPageWritesNothing(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	var b bytes.Buffer
	if err := all.Page(&b, "nowhere", Page{}); err == nil {
		t.Error("an unknown page is rendered")
	}
	if err := all.Page(&b, "summary", Page{Data: Ended{}}); err == nil {
		t.Error("a page with another page's data is rendered")
	}
	if err := all.Page(&b, "holder_choice", Page{Errors: []FieldError{{Field: "ruolo", Message: "error_unknown"}}}); err == nil {
		t.Error("an unknown message is rendered")
	}
	if b.Len() > 0 {
		t.Errorf("a failed page wrote %q", b.String())
	}
}

// The primary (filled) button of a rejection is the first one, and helps most. After
// an operator's refusal another login alone does not help.
func TestPrimaryButtonAfterARejection(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	want := map[string][]string{
		"company": {"/riprova"},
		"holder":  {"/riprova/identita", "/riprova/invito", "/riprova"},
		"invited": {"/riprova/identita", "/riprova"},
		"review":  {"/riprova", "/riprova/identita", "/riprova/invito"},
	}
	for _, s := range samples("it") {
		if s.page != "rejected" {
			continue
		}
		_, doc := render(t, all, s)
		var actions, primary []string
		doc.Find(`main form[action^="/riprova"]`).Each(func(_ int, form *goquery.Selection) {
			action, _ := form.Attr("action")
			actions = append(actions, action)
			if !form.Find("button").HasClass("second") {
				primary = append(primary, action)
			}
		})
		if !slices.Equal(actions, want[s.variant]) || !slices.Equal(primary, want[s.variant][:1]) {
			t.Errorf("%s: the buttons are %v, the primary ones %v; want %v, the first primary", s.name(), actions, primary, want[s.variant])
		}
	}
}

// An option keeps its hint if its group has an error.
func TestGroupWithAnErrorKeepsItsHints(t *testing.T) {
	t.Parallel()
	_, doc := render(t, newTemplates(t), sample{page: "holder_choice", Page: Page{Locale: "it", Data: HolderChoice{},
		Errors: []FieldError{{Field: "ruolo", Message: "error_role_missing"}}}})
	described := strings.Fields(doc.Find("#ruolo-no").AttrOr("aria-describedby", ""))
	if want := []string{"ruolo-fault", "ruolo-no-hint"}; !slices.Equal(described, want) {
		t.Errorf("the second option is described by %v, want %v", described, want)
	}
	for _, id := range described {
		if doc.Find("#"+id).Length() != 1 {
			t.Errorf("the page has no %s", id)
		}
	}
}

// The page and the mail of a review contain its maximum duration, if the provider
// configured it.
func TestReviewDays(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]map[string]string{
		0: {"it": "l'esito", "en": "the outcome"},
		1: {"it": " entro un giorno lavorativo.", "en": " within one working day."},
		5: {"it": " entro 5 giorni lavorativi.", "en": " within 5 working days."},
	} {
		s := site
		s.ReviewDays = days
		all, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		for locale, sentence := range want {
			list := samples(locale)
			_, doc := render(t, all, list[slices.IndexFunc(list, func(s sample) bool { return s.page == "under_review" })])
			m, err := all.Mail("under_review", mailKinds(locale)["under_review"])
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range []string{text(doc.Find("main")), m.Text} {
				mentioned := strings.Contains(got, "lavorativ") || strings.Contains(got, "working")
				if !strings.Contains(got, sentence) || days == 0 && mentioned {
					t.Errorf("%d days, %s: %s", days, locale, got)
				}
			}
		}
	}
}
