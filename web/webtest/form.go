package webtest

import (
	"fmt"
	"maps"
	"net/url"

	"github.com/PuerkitoBio/goquery"
)

// A Form is a form with its values, ready to be sent.
type Form struct {
	Action string // an absolute URL, or a path of the site
	Values url.Values
}

// With returns the form with another value of a field.
func (f Form) With(field, value string) Form {
	f.Values = maps.Clone(f.Values)
	f.Values.Set(field, value)
	return f
}

// Without returns the form without some fields.
func (f Form) Without(fields ...string) Form {
	f.Values = maps.Clone(f.Values)
	for _, field := range fields {
		f.Values.Del(field)
	}
	return f
}

// Form returns the form of the button with a text. typed are the names and values of
// inputs, which must be on the form.
func (p Page) Form(button string, typed ...string) (Form, error) {
	found := withText(p.Find("button"), button)
	// If several buttons have this text, use the one whose form has the field.
	form := found.First().Closest("form")
	for i := range found.Nodes {
		f := found.Eq(i).Closest("form")
		if len(typed) > 0 && f.Find(`input[name="`+typed[0]+`"]`).Length() > 0 {
			form = f
		}
	}
	if form.Length() == 0 {
		return Form{}, fmt.Errorf("no form with a button %q on the page: %s", button, p.Content())
	}
	f, err := p.filled(form)
	if err != nil {
		return Form{}, err
	}
	clicked := found.First()
	if name := clicked.AttrOr("name", ""); name != "" {
		f.Values.Set(name, clicked.AttrOr("value", ""))
	}
	for i := 0; i < len(typed); i += 2 {
		input := form.Find(`input[name="` + typed[i] + `"]`)
		if input.AttrOr("type", "") == "radio" {
			input = input.FilterFunction(func(_ int, s *goquery.Selection) bool { return s.AttrOr("value", "") == typed[i+1] })
		}
		if input.Length() == 0 {
			return Form{}, fmt.Errorf("the form of %q has no %s %q: %s", button, typed[i], typed[i+1], p.Content())
		}
		f.Values.Set(typed[i], typed[i+1])
	}
	return f, nil
}

// FormTo returns the form with an action, as the page writes it. A form without one is
// sent to the page's own path.
func (p Page) FormTo(action string) (Form, error) {
	form := p.Find("form").FilterFunction(func(_ int, s *goquery.Selection) bool {
		return s.AttrOr("action", p.URL.Path) == action
	}).First()
	if form.Length() == 0 {
		return Form{}, fmt.Errorf("no form %s on the page %q", action, p.Heading())
	}
	return p.filled(form)
}

// filled returns a form with the values that the page contains.
func (p Page) filled(form *goquery.Selection) (Form, error) {
	action, err := p.resolve(form.AttrOr("action", ""))
	if err == nil && form.AttrOr("method", "") != "post" {
		err = fmt.Errorf("the method of the form %s is not post", action)
	}
	values := url.Values{}
	form.Find("input[name]").Each(func(_ int, input *goquery.Selection) {
		_, checked := input.Attr("checked")
		if input.AttrOr("type", "") != "radio" || checked {
			values.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
		}
	})
	return Form{action, values}, err
}
