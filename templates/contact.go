package templates

import (
	"html"
	"html/template"
	"regexp"
	"strings"
)

// reachable finds the mail addresses and the telephone numbers in the help
// contact, which is a text as people read it.
var reachable = regexp.MustCompile(`[^\s<>,;:()"']+@[^\s<>,;:()"']*[^\s<>,;:()"'.]|\+?[0-9][0-9 ./-]{4,}[0-9]`)

// linked is the help contact as HTML, with each address and number as a link.
func linked(contact string) template.HTML {
	var b strings.Builder
	end := 0
	for _, at := range reachable.FindAllStringIndex(contact, -1) {
		found := contact[at[0]:at[1]]
		to := "mailto:" + found
		if !strings.Contains(found, "@") {
			to = "tel:" + strings.Map(dialled, found)
		}
		b.WriteString(html.EscapeString(contact[end:at[0]]))
		b.WriteString(`<a href="` + html.EscapeString(to) + `">` + html.EscapeString(found) + `</a>`)
		end = at[1]
	}
	b.WriteString(html.EscapeString(contact[end:]))
	return template.HTML(b.String())
}

func dialled(r rune) rune {
	if r == '+' || '0' <= r && r <= '9' {
		return r
	}
	return -1
}

// Linked is a text in which the help contact is a link.
func (w words) Linked(id string, pairs ...any) (template.HTML, error) {
	const mark = "\x02"
	contact, _ := w.known["HelpContact"].(string)
	s, err := w.T(id, append(pairs, "HelpContact", mark)...)
	if err != nil {
		return "", err
	}
	return template.HTML(strings.ReplaceAll(html.EscapeString(s), mark, string(linked(contact)))), nil
}
