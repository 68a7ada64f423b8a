package templates

import (
	"html"
	"html/template"
	"regexp"
	"strings"
)

// contactPattern matches the e-mail addresses and the telephone numbers in the help
// contact, which is free text.
var contactPattern = regexp.MustCompile(`[^\s<>,;:()"']+@[^\s<>,;:()"']*[^\s<>,;:()"'.]|\+?[0-9][0-9 ./-]{4,}[0-9]`)

// contactHTML returns the help contact as HTML, with a link for each address and
// number.
func contactHTML(contact string) template.HTML {
	var b strings.Builder
	end := 0
	for _, at := range contactPattern.FindAllStringIndex(contact, -1) {
		found := contact[at[0]:at[1]]
		to := "mailto:" + found
		if !strings.Contains(found, "@") {
			to = "tel:" + strings.Map(dialledRune, found)
		}
		b.WriteString(html.EscapeString(contact[end:at[0]]))
		b.WriteString(`<a href="` + html.EscapeString(to) + `">` + html.EscapeString(found) + `</a>`)
		end = at[1]
	}
	b.WriteString(html.EscapeString(contact[end:]))
	return template.HTML(b.String())
}

func dialledRune(r rune) rune {
	if r == '+' || '0' <= r && r <= '9' {
		return r
	}
	return -1
}

// Linked returns a text as HTML, in which the help contact is a link.
func (w messages) Linked(id string, pairs ...any) (template.HTML, error) {
	const mark = "\x02"
	contact, _ := w.common["HelpContact"].(string)
	s, err := w.T(id, append(pairs, "HelpContact", mark)...)
	if err != nil {
		return "", err
	}
	return template.HTML(strings.ReplaceAll(html.EscapeString(s), mark, string(contactHTML(contact)))), nil
}
