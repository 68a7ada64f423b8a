package templates

import (
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

// checkNesting checks that every element is closed, in the right order. Browsers
// repair such errors silently.
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

// checkPolicy checks that the page contains nothing that the Content-Security-Policy
// blocks.
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
			t.Errorf("radio %q is not in a fieldset with a legend", id)
		}
	})
	doc.Find("[aria-describedby], [aria-labelledby]").Each(func(_ int, s *goquery.Selection) {
		for _, name := range []string{"aria-describedby", "aria-labelledby"} {
			ids, _ := s.Attr(name)
			for _, id := range strings.Fields(ids) {
				if !seen[id] {
					t.Errorf("%s refers to the unknown ID %q", name, id)
				}
			}
		}
	})
	doc.Find(`a[href^="#"]`).Each(func(_ int, s *goquery.Selection) {
		if href, _ := s.Attr("href"); !seen[href[1:]] {
			t.Errorf("a link refers to the unknown ID %s", href)
		}
	})
	doc.Find("button, a, summary, legend, h1, h2").Each(func(_ int, s *goquery.Selection) {
		if text(s) == "" {
			t.Errorf("an empty <%s>", s.Nodes[0].Data)
		}
	})
	doc.Find("img").Each(func(_ int, s *goquery.Selection) {
		if alt, _ := s.Attr("alt"); alt == "" && text(s.Closest("a")) == "" {
			t.Error("an image without a text alternative")
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
			t.Errorf("form %q has %d buttons, want 1", action, form.Find("button[type=submit]").Length())
		}
		if strings.HasPrefix(action, "https://") { // an identity provider
			if form.Find("[name=id], [name=version]").Length() > 0 {
				t.Errorf("form %q sends the state to another site", action)
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
			continue // during a pause the code page has no input
		}
		if doc.Find("#"+e.Field+"-fault").Length() != 1 {
			t.Errorf("field %q does not show its error", e.Field)
		}
		if by, _ := input.First().Attr("aria-describedby"); !strings.Contains(by, e.Field+"-fault") {
			t.Errorf("field %q is described by %q", e.Field, by)
		}
	}
}
