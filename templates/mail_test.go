package templates

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

func TestMails(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	kinds := slices.Sorted(maps.Keys(mailKinds("it")))
	if there := slices.Sorted(maps.Keys(all.mails)); !slices.Equal(kinds, there) {
		t.Fatalf("mails are %v, samples are %v", there, kinds)
	}
	for _, locale := range locales {
		subjects := map[string]bool{}
		for _, kind := range kinds {
			mail := mailKinds(locale)[kind]
			m, err := all.Mail(kind, mail)
			if err != nil {
				t.Error(err)
				continue
			}
			name := locale + "/" + kind
			if m.Subject == "" || subjects[m.Subject] {
				t.Errorf("%s: subject %q", name, m.Subject)
			}
			subjects[m.Subject] = true
			for _, part := range []string{m.Subject, m.Text, m.HTML} {
				if strings.Contains(part, "<no value>") || strings.Contains(part, "{{") || strings.Contains(part, "%!") {
					t.Errorf("%s: something was not filled in: %s", name, part)
				}
			}
			checkNesting(t, m.HTML)
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(m.HTML))
			if err != nil {
				t.Fatal(err)
			}
			if doc.Find("img, script, link, form, iframe").Length() > 0 {
				t.Errorf("%s: more than words", name)
			}
			want := []string{site.HelpURL}
			if kind == "invitation" {
				want = []string{mail.Link, site.HelpURL}
			}
			links := doc.Find("a").Map(func(_ int, s *goquery.Selection) string {
				href, _ := s.Attr("href")
				return href
			})
			if !slices.Equal(links, want) {
				t.Errorf("%s: links are %v, want %v", name, links, want)
			}
			if a, b := text(doc.Find("body")), strings.Join(strings.Fields(m.Text), " "); len(a) < len(b)*9/10 {
				t.Errorf("%s: the HTML part says less than the text:\n%s\n%s", name, a, b)
			}
			if kind != "qualified_pec" && strings.Contains(m.Text+m.HTML, "Luca Bianchi") {
				t.Errorf("%s: names the person", name)
			}
		}
	}
}

func TestCodeMail(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	for _, locale := range locales {
		m, err := all.Mail("code", mailKinds(locale)["code"])
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(m.Text, "\n"); first != "042917" {
			t.Errorf("%s: the first line is %q", locale, first)
		}
		if strings.Contains(m.Subject, "042917") || !strings.Contains(m.Subject, mailbox) {
			t.Errorf("%s: subject %q", locale, m.Subject)
		}
		for _, word := range []string{mailbox, "60", say(t, all, locale, "send_again", nil)} {
			if !strings.Contains(m.Text, word) {
				t.Errorf("%s: the mail lacks %q", locale, word)
			}
		}
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(m.HTML))
		if err != nil {
			t.Fatal(err)
		}
		if got := text(doc.Find("body p").First()); got != "042917" {
			t.Errorf("%s: the HTML begins with %q", locale, got)
		}
	}
}

func TestQualifiedPecMail(t *testing.T) {
	t.Parallel()
	m, err := newTemplates(t).Mail("qualified_pec", mailKinds("it")["qualified_pec"])
	if err != nil {
		t.Fatal(err)
	}
	for _, fact := range []string{
		"Casella: " + mailbox,
		"Persona identificata: Luca Bianchi",
		"Data e ora: 21 novembre 2026, 14:05",
		"Metodo: SPID, livello 2, con Identità di prova",
		"Informativa contrattuale: versione 1.0",
	} {
		if !strings.Contains(m.Text, fact+"\n") {
			t.Errorf("no line %q in\n%s", fact, m.Text)
		}
	}
}

// A remark is an operator's own words: they are shown, and nothing more.
func TestRemark(t *testing.T) {
	t.Parallel()
	m, err := newTemplates(t).Mail("revoked", Mail{Mailbox: mailbox, At: now, Remark: "vedi\nhttps://altrove.example/<b>"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(m.HTML, "<b>") || strings.Contains(m.HTML, `href="https://altrove`) {
		t.Errorf("the remark became markup:\n%s", m.HTML)
	}
}

func TestUnknownMail(t *testing.T) {
	t.Parallel()
	if _, err := newTemplates(t).Mail("nothing", Mail{}); err == nil {
		t.Error("a mail that does not exist is written")
	}
}
