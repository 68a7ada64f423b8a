package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// page is a page that the browser loaded.
type page struct {
	*goquery.Document
	url    *url.URL
	status int
	header http.Header
	body   string
	trail  []string // the redirects that led to it, for example "303 /"
}

// link returns the URL of the link with a text.
func (b *browser) link(name string) string {
	b.Helper()
	link := b.Find("a").FilterFunction(func(_ int, s *goquery.Selection) bool { return text(s) == name })
	if link.Length() == 0 {
		b.Fatalf("no link %q on the page: %s", name, b.text())
	}
	to, err := b.page.url.Parse(link.AttrOr("href", ""))
	b.must(err)
	return to.String()
}

// filledForm is a form with its values, ready to be sent.
type filledForm struct {
	action string
	values url.Values
}

// with returns the form with another value of a field.
func (f filledForm) with(field, value string) filledForm {
	f.values = maps.Clone(f.values)
	f.values.Set(field, value)
	return f
}

// without returns the form without some fields.
func (f filledForm) without(fields ...string) filledForm {
	f.values = maps.Clone(f.values)
	for _, field := range fields {
		f.values.Del(field)
	}
	return f
}

// form returns the form of the button with a text. typed are the names and values
// of inputs.
func (b *browser) form(button string, typed ...string) filledForm {
	b.Helper()
	found := b.Find("button").FilterFunction(func(_ int, s *goquery.Selection) bool { return text(s) == button })
	// If several buttons have this text, use the one whose form has the field.
	form := found.First().Closest("form")
	for i := range found.Nodes {
		f := found.Eq(i).Closest("form")
		if len(typed) > 0 && f.Find(`input[name="`+typed[0]+`"]`).Length() > 0 {
			form = f
		}
	}
	if form.Length() == 0 {
		b.Fatalf("no form with a button %q on the page: %s", button, b.text())
	}
	if form.AttrOr("method", "") != "post" {
		b.Errorf("the method of the form of %q is not post", button)
	}
	values := url.Values{}
	form.Find("input").Each(func(_ int, input *goquery.Selection) {
		_, checked := input.Attr("checked")
		if input.AttrOr("type", "") != "radio" || checked {
			values.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
		}
	})
	clicked := found.First()
	if name := clicked.AttrOr("name", ""); name != "" {
		values.Set(name, clicked.AttrOr("value", ""))
	}
	for i := 0; i < len(typed); i += 2 {
		input := form.Find(`input[name="` + typed[i] + `"]`)
		if input.AttrOr("type", "") == "radio" {
			input = input.FilterFunction(func(_ int, s *goquery.Selection) bool { return s.AttrOr("value", "") == typed[i+1] })
		}
		if input.Length() == 0 {
			b.Fatalf("the form of %q has no %s %q: %s", button, typed[i], typed[i+1], b.text())
		}
		values.Set(typed[i], typed[i+1])
	}
	to, err := b.page.url.Parse(form.AttrOr("action", ""))
	b.must(err)
	return filledForm{to.String(), values}
}

// text returns the text of the page without header and footer.
func (p page) text() string { return text(p.Find("main")) }

func text(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

// at checks the heading of the page, and that it contains the sentences.
func (b *browser) at(heading string, sentences ...string) *browser {
	b.Helper()
	return b.answered(http.StatusOK, heading, sentences...)
}

// answered is at with a status.
func (b *browser) answered(status int, heading string, sentences ...string) *browser {
	b.Helper()
	if got := text(b.Find("h1")); b.status != status || got != heading {
		b.Fatalf("the response is %d %q, want %d %q: %s (%v)", b.status, got, status, heading, b.text(), b.trail)
	}
	title := strings.TrimPrefix(strings.TrimPrefix(text(b.Find("title")), "Errore: "), "Error: ")
	if !strings.HasPrefix(title, heading+" – ") && b.page.url.Hostname() == "127.0.0.1" {
		b.Errorf("the title is %q", text(b.Find("title")))
	}
	for _, s := range sentences {
		if !strings.Contains(b.text(), s) {
			b.Errorf("the page lacks %q: %s", s, b.text())
		}
	}
	return b
}

// showsNotice checks the notice above the page. "" checks that there is none.
func (b *browser) showsNotice(notice string) *browser {
	b.Helper()
	if got := text(b.Find(".notice")); got != notice {
		b.Errorf("the notice is %q, want %q", got, notice)
	}
	return b
}

// hasError checks that the page shows an error of an input, in the summary at the
// top and at the input.
func (b *browser) hasError(field, sentence string) *browser {
	b.Helper()
	if b.status != http.StatusUnprocessableEntity {
		b.Fatalf("the status is %d, want 422: %s (%v)", b.status, b.text(), b.trail)
	}
	if title := text(b.Find("title")); !strings.HasPrefix(title, "Errore: ") {
		b.Errorf("the title is %q", title)
	}
	summary := b.Find(`.summary[role="alert"]`)
	if got := text(summary.Find("h2")); got != "C'è un problema" {
		b.Errorf("the summary of errors has the heading %q", got)
	}
	var messages []string
	summary.Find(`a[href="#` + field + `"]`).Each(func(_ int, s *goquery.Selection) { messages = append(messages, text(s)) })
	if !slices.Contains(messages, sentence) {
		b.Errorf("the summary lacks the error %q of %s: %s", sentence, field, text(summary))
	}
	if b.Find("#"+field).Length() != 1 {
		b.Errorf("the summary refers to the unknown ID %s", field)
	}
	if got := text(b.Find("#" + field + "-fault")); got != "Errore: "+sentence {
		b.Errorf("the error at the input is %q", got)
	}
	return b
}

// hasValue checks the value of an input.
func (b *browser) hasValue(field, value string) *browser {
	b.Helper()
	input := b.Find(`input[name="` + field + `"]`)
	got := input.AttrOr("value", "")
	if input.AttrOr("type", "") == "radio" {
		got = b.Find(`input[name="`+field+`"][checked]`).AttrOr("value", "")
	}
	if got != value {
		b.Errorf("%s has the value %q, want %q", field, got, value)
	}
	return b
}
