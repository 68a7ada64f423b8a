package webtest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// A Page is a page that a browser has loaded.
type Page struct {
	*goquery.Document
	URL       *url.URL
	Status    int
	Header    http.Header
	Body      string
	Redirects []*http.Response // that led to the page; their bodies are closed
}

func (p *Page) read(r *http.Response, body string) (err error) {
	p.URL, p.Status, p.Header, p.Body = r.Request.URL, r.StatusCode, r.Header, body
	// A space separates the text of a term from its description.
	p.Document, err = goquery.NewDocumentFromReader(strings.NewReader(strings.ReplaceAll(body, "</dt>", "</dt> ")))
	return err
}

// Trail returns the redirects that led to the page, for example "303 /".
func (p Page) Trail() []string {
	var all []string
	for _, r := range p.Redirects {
		all = append(all, fmt.Sprint(r.StatusCode, " ", r.Header.Get("Location")))
	}
	return all
}

// Heading returns the heading of the page.
func (p Page) Heading() string { return Text(p.Find("h1").First()) }

// Content returns the text of the page without header and footer.
func (p Page) Content() string { return Text(p.Find("main")) }

// Text returns the text of elements, with single spaces.
func Text(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

// Link returns the URL of the link with a text.
func (p Page) Link(name string) (string, error) {
	link := withText(p.Find("a"), name)
	if link.Length() == 0 {
		return "", fmt.Errorf("no link %q on the page: %s", name, p.Content())
	}
	return p.resolve(link.AttrOr("href", ""))
}

// resolve returns the absolute URL of a reference on the page.
func (p Page) resolve(reference string) (string, error) {
	to, err := p.URL.Parse(reference)
	if err != nil {
		return "", err
	}
	return to.String(), nil
}

// withText returns those elements that have a text.
func withText(all *goquery.Selection, text string) *goquery.Selection {
	return all.FilterFunction(func(_ int, s *goquery.Selection) bool { return Text(s) == text })
}
