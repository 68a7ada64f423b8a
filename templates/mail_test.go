package templates

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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
	if mails := slices.Sorted(maps.Keys(all.mails[locales[0]])); !slices.Equal(kinds, mails) {
		t.Fatalf("mails are %v, samples are %v", mails, kinds)
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
					t.Errorf("%s: an argument is missing: %s", name, part)
				}
			}
			checkNesting(t, m.HTML)
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(m.HTML))
			if err != nil {
				t.Fatal(err)
			}
			if doc.Find("img, script, link, form, iframe").Length() > 0 || strings.Contains(m.HTML, "url(") {
				t.Errorf("%s: the HTML part contains more than text", name)
			}
			checkHead(t, name, locale, m, doc)
			checkLinks(t, name, mail, m, doc)
			if a, b := text(doc.Find("body")), strings.Join(strings.Fields(m.Text), " "); len(a) < len(b)*9/10 {
				t.Errorf("%s: the HTML part says less than the text:\n%s\n%s", name, a, b)
			}
			if kind != "qualified_pec" && strings.Contains(m.Text+m.HTML, "Luca Bianchi") {
				t.Errorf("%s: the mail contains the person's name", name)
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
		for _, word := range []string{mailbox, "60", messageText(t, all, locale, "send_again", nil)} {
			if !strings.Contains(m.Text, word) {
				t.Errorf("%s: the mail lacks %q", locale, word)
			}
		}
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(m.HTML))
		if err != nil {
			t.Fatal(err)
		}
		code := doc.Find("body p").First()
		if got := text(code); got != "042917" {
			t.Errorf("%s: the HTML begins with %q", locale, got)
		}
		if style := code.AttrOr("style", ""); !strings.Contains(style, "font-size: 36px") {
			t.Errorf("%s: the code is not large: %s", locale, style)
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
		"Pratica: 1042",
		"Casella: " + mailbox,
		"Intestatario: Officine Bianchi S.r.l.",
		"Persona identificata: Luca Bianchi",
		"Data e ora: 21 novembre 2026, 14:05 (ora italiana)",
		"Metodo: SPID, livello 2, con Identità di prova",
		"Informativa contrattuale: versione 1.0 del 1º novembre 2026",
	} {
		if !strings.Contains(m.Text, fact+"\n") {
			t.Errorf("no line %q in\n%s", fact, m.Text)
		}
	}
}

// checkHead checks the head of the HTML part, and the band at the top.
func checkHead(t *testing.T, name, locale string, m Message, doc *goquery.Document) {
	t.Helper()
	if got := doc.Find("html").AttrOr("lang", ""); got != locale {
		t.Errorf("%s: the language is %q", name, got)
	}
	if got := doc.Find("head title").Text(); got != m.Subject {
		t.Errorf("%s: the title is %q", name, got)
	}
	for selector, want := range map[string]string{
		`meta[name="color-scheme"]`:            "light dark",
		`meta[name="supported-color-schemes"]`: "light dark",
		`meta[name="viewport"]`:                "width=device-width, initial-scale=1",
	} {
		if got := doc.Find("head "+selector).AttrOr("content", ""); got != want {
			t.Errorf("%s: %s is %q", name, selector, got)
		}
	}
	if doc.Find(`head meta[charset="utf-8"]`).Length() != 1 ||
		!strings.Contains(doc.Find("head style").Text(), "prefers-color-scheme: dark") {
		t.Errorf("%s: the head lacks the charset or the dark scheme", name)
	}
	if got := text(doc.Find(".band")); got != site.Provider {
		t.Errorf("%s: the mail begins with %q, want the provider", name, got)
	}
}

// checkLinks checks that the HTML part has the same links as the text part: to our
// pages, to the provider's pages and to the help contact.
func checkLinks(t *testing.T, name string, mail Mail, m Message, doc *goquery.Document) {
	t.Helper()
	allowed := []string{mail.Link, mail.Guide, site.HelpURL, site.WebmailURL, "tel:800000000"}
	for _, a := range doc.Find("a").EachIter() {
		to := a.AttrOr("href", "")
		if to == "" || !slices.Contains(allowed, to) {
			t.Errorf("%s: unexpected link to %q", name, to)
		}
		if !a.HasClass("button") && text(a) != to && to != "tel:800000000" {
			t.Errorf("%s: the link to %s has the text %q", name, to, text(a))
		}
		if to != "tel:800000000" && !strings.Contains(m.Text, to+"\n") {
			t.Errorf("%s: the text part lacks the URL %s", name, to)
		}
	}
	if got := doc.Find(`a[href="` + mail.Link + `"].button`).Length(); mail.Link != "" && got != 2 {
		t.Errorf("%s: there are %d buttons with the link, want one in each language", name, got)
	}
}

// A mail that asks the reader to call has the number in the same sentence, and
// again in its foot.
func TestMailsRepeatTheHelpContact(t *testing.T) {
	t.Parallel()
	for _, locale := range locales {
		for _, kind := range []string{"code", "qualified", "qualified_pec", "contacts_changed", "revoked", "under_review"} {
			m, err := newTemplates(t).Mail(kind, mailKinds(locale)[kind])
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(m.Text, site.HelpContact); n != 2 {
				t.Errorf("%s/%s: the contact is there %d times", locale, kind, n)
			}
			if n := strings.Count(m.HTML, ` href="tel:800000000">800 000 000</a>`); n != 2 {
				t.Errorf("%s/%s: the contact is a link %d times", locale, kind, n)
			}
		}
	}
}

// The language of an invited holder is not known yet.
func TestInvitationIsBilingual(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	for locale, other := range map[string]string{"it": "en", "en": "it"} {
		m, err := all.Mail("invitation", mailKinds(locale)["invitation"])
		if err != nil {
			t.Fatal(err)
		}
		mine, theirs := messageText(t, all, locale, "mail_greeting", nil), messageText(t, all, other, "mail_greeting", nil)
		if first, _, _ := strings.Cut(m.Text, "\n"); first != messageText(t, all, locale, "mail_other_language", nil) {
			t.Errorf("%s: the mail begins with %q", locale, first)
		}
		if a, b := strings.Index(m.Text, mine), strings.Index(m.Text, theirs); a < 0 || b < a {
			t.Errorf("%s: the languages begin at %d and %d", locale, a, b)
		}
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(m.HTML))
		if err != nil {
			t.Fatal(err)
		}
		langs := doc.Find("body [lang]").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("lang", "") })
		if !slices.Equal(langs, []string{locale, other, other}) {
			t.Errorf("%s: section, hint and section are in %v", locale, langs)
		}
	}
}

// The attached notice contains the bytes that were acknowledged.
func TestNoticeIsAttached(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	for locale, name := range map[string]string{"it": "informativa-contrattuale-1.0.html", "en": "contract-information-1.0.html"} {
		for _, kind := range []string{"qualified", "qualified_pec"} {
			mail := mailKinds("it")[kind]
			mail.Notice = sampleNotice(locale) // its language may differ from the mail's
			m, err := all.Mail(kind, mail)
			if err != nil {
				t.Fatal(err)
			}
			a := m.Attachment
			if a == nil || a.Name != name || a.ContentType != "text/html; charset=utf-8" {
				t.Fatalf("the attachment is %+v", a)
			}
			_, rest, _ := strings.Cut(string(a.Content), "<main>")
			notice, _, _ := strings.Cut(rest, "</main>")
			sum := sha256.Sum256([]byte(notice))
			if notice != string(mail.Notice.Bytes) || hex.EncodeToString(sum[:]) != mail.Notice.SHA256 {
				t.Errorf("the attachment does not contain the notice:\n%s", a.Content)
			}
			doc, err := goquery.NewDocumentFromReader(bytes.NewReader(a.Content))
			if err != nil {
				t.Fatal(err)
			}
			if doc.Find("html").AttrOr("lang", "") != locale || doc.Find(`head meta[charset="utf-8"]`).Length() != 1 ||
				!strings.Contains(text(doc.Find("footer")), mail.Notice.SHA256) {
				t.Errorf("the attachment lacks language, charset or digest:\n%s", a.Content)
			}
		}
	}
}

func TestHelpContactIsLinked(t *testing.T) {
	t.Parallel()
	for contact, want := range map[string]string{
		"800 000 000":              `<a href="tel:800000000">800 000 000</a>`,
		"+39 06 123 456":           `<a href="tel:+3906123456">+39 06 123 456</a>`,
		"assistenza@posta.example": `<a href="mailto:assistenza@posta.example">assistenza@posta.example</a>`,
		"800.000.000 o aiuto@posta.example.": `<a href="tel:800000000">800.000.000</a> o ` +
			`<a href="mailto:aiuto@posta.example">aiuto@posta.example</a>.`,
		"lo sportello di via Roma 1": "lo sportello di via Roma 1",
		`<b>"x"</b>`:                 "&lt;b&gt;&#34;x&#34;&lt;/b&gt;",
	} {
		if got := string(contactHTML(contact)); got != want {
			t.Errorf("%q becomes %s, want %s", contact, got, want)
		}
	}
}

// A remark is text that an operator wrote: it is shown without markup or links.
func TestRemarkIsEscaped(t *testing.T) {
	t.Parallel()
	m, err := newTemplates(t).Mail("revoked", Mail{Mailbox: mailbox, At: now, Remark: "vedi\nhttps://altrove.example/<b>"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(m.HTML, "<b>") || strings.Contains(m.HTML, `href="https://altrove`) {
		t.Errorf("the remark is not escaped:\n%s", m.HTML)
	}
}

func TestUnknownMail(t *testing.T) {
	t.Parallel()
	if _, err := newTemplates(t).Mail("nothing", Mail{}); err == nil {
		t.Error("an unknown mail is rendered")
	}
}

// An invited holder may have no webmail.
func TestMailsToInvitedHoldersLackTheWebmail(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	for _, locale := range locales {
		for _, kind := range []string{"rejected", "revoked"} {
			mail := mailKinds(locale)[kind]
			for _, invited := range []bool{false, true} {
				mail.Invited = invited
				m, err := all.Mail(kind, mail)
				if err != nil {
					t.Fatal(err)
				}
				for _, part := range []string{m.Text, m.HTML} {
					if strings.Contains(part, site.WebmailURL) == invited || strings.Contains(part, "webmail") == invited {
						t.Errorf("%s/%s, invited %v: %s", locale, kind, invited, part)
					}
				}
			}
		}
	}
}
