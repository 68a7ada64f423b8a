package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// A page as it came.
type page struct {
	*goquery.Document
	url    *url.URL
	status int
	header http.Header
	body   string
	trail  []string // of the redirects on the way, as "303 /"
}

// link is where the link of that name leads.
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

// filled is a form as it would be sent.
type filled struct {
	action string
	values url.Values
}

// with replaces a field.
func (f filled) with(field, value string) filled {
	f.values = maps.Clone(f.values)
	f.values.Set(field, value)
	return f
}

// without leaves a field out.
func (f filled) without(fields ...string) filled {
	f.values = maps.Clone(f.values)
	for _, field := range fields {
		f.values.Del(field)
	}
	return f
}

// form is the form of the button of that name, filled in.
func (b *browser) form(button string, typed ...string) filled {
	b.Helper()
	found := b.Find("button").FilterFunction(func(_ int, s *goquery.Selection) bool { return text(s) == button })
	// Where several do, it is the one whose form has the field.
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
		b.Errorf("the form of %q is not posted", button)
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
	return filled{to.String(), values}
}

// text is what is read on the page, but for header and footer.
func (p page) text() string { return text(p.Find("main")) }

func text(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

// at checks where one is, by the page's heading, and what is said there.
func (b *browser) at(heading string, sentences ...string) *browser {
	b.Helper()
	return b.answered(http.StatusOK, heading, sentences...)
}

// answered is at with a status.
func (b *browser) answered(status int, heading string, sentences ...string) *browser {
	b.Helper()
	if got := text(b.Find("h1")); b.status != status || got != heading {
		b.Fatalf("the answer is %d %q, want %d %q: %s (%v)", b.status, got, status, heading, b.text(), b.trail)
	}
	if title := strings.TrimPrefix(strings.TrimPrefix(text(b.Find("title")), "Errore: "), "Error: "); !strings.HasPrefix(title, heading+" – ") && b.page.url.Hostname() == "127.0.0.1" {
		b.Errorf("the title is %q", text(b.Find("title")))
	}
	for _, s := range sentences {
		if !strings.Contains(b.text(), s) {
			b.Errorf("the page does not say %q: %s", s, b.text())
		}
	}
	return b
}

// tells checks the notice above the page; an empty one that there is none.
func (b *browser) tells(notice string) *browser {
	b.Helper()
	if got := text(b.Find(".notice")); got != notice {
		b.Errorf("the notice is %q, want %q", got, notice)
	}
	return b
}

// wrong checks that the page says what is wrong with an input, at the top and
// at the input.
func (b *browser) wrong(field, sentence string) *browser {
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
	var said []string
	summary.Find(`a[href="#` + field + `"]`).Each(func(_ int, s *goquery.Selection) { said = append(said, text(s)) })
	if !slices.Contains(said, sentence) {
		b.Errorf("the summary does not say %q of %s: %s", sentence, field, text(summary))
	}
	if b.Find("#"+field).Length() != 1 {
		b.Errorf("the summary leads to %s, which is not there", field)
	}
	if got := text(b.Find("#" + field + "-fault")); got != "Errore: "+sentence {
		b.Errorf("the input says %q", got)
	}
	return b
}

// holds checks what stands in an input.
func (b *browser) holds(field, value string) *browser {
	b.Helper()
	input := b.Find(`input[name="` + field + `"]`)
	got := input.AttrOr("value", "")
	if input.AttrOr("type", "") == "radio" {
		got = b.Find(`input[name="`+field+`"][checked]`).AttrOr("value", "")
	}
	if got != value {
		b.Errorf("%s holds %q, want %q", field, got, value)
	}
	return b
}
