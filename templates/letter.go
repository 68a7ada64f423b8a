package templates

import (
	"fmt"
	"html"
	"html/template"
	"slices"
	"strings"
	"time"
)

// letter is what a mail's template sees as its dot.
type letter struct {
	Mail
	words
	Site Site
	Hint string // the other language of a mail that has two, in which its first paragraph is
}

// Two control characters hold the places of the tags around what stands out, as
// in Strong. The text part has neither.
const (
	openMark  = "\x02"
	closeMark = "\x03"
)

var unmarked = strings.NewReplacer(openMark, "", closeMark, "")

// Fact is a text whose arguments stand out in the HTML part.
func (l letter) Fact(id string, pairs ...any) (string, error) {
	for i := 1; i < len(pairs); i += 2 {
		pairs[i] = openMark + strings.Map(printable, fmt.Sprint(pairs[i])) + closeMark
	}
	return l.T(id, pairs...)
}

// Zoned is a time with its zone: a mail is read anywhere.
func (l letter) Zoned(t time.Time) (string, error) {
	at, err := l.DateTime(t)
	if err != nil {
		return "", err
	}
	return l.T("mail_zoned", "At", at)
}

// section is the text of a mail in one language.
type section struct {
	Locale  string
	Subject string
	Body    []block
	Foot    []block
}

// block is a paragraph.
type block struct {
	lines []string
	HTML  []template.HTML // the lines

	Lang   string // if it is not the section's
	Code   bool   // it is the code
	URL    string // it is an address to open
	Button string // of the address
}

// section fills in a mail's template, which begins with a line "Subject: …" and
// goes on with paragraphs, and the foot that every mail has.
func (t *Templates) section(kind string, l letter) (section, error) {
	s := section{Locale: l.Locale}
	mail, ok := t.mails[kind]
	if !ok {
		return s, fmt.Errorf("there is none of this kind")
	}
	var text, foot strings.Builder
	if err := mail.Execute(&text, l); err != nil {
		return s, err
	}
	if err := mail.ExecuteTemplate(&foot, "mail.txt", l); err != nil {
		return s, err
	}
	head, body, _ := strings.Cut(text.String(), "\n")
	if s.Subject, ok = strings.CutPrefix(head, "Subject: "); !ok {
		return s, fmt.Errorf("it does not begin with its subject")
	}
	buttons := map[string]string{}
	for url, id := range map[string]string{l.Link: "mail_invitation_button", l.Site.WebmailURL: "welcome_go"} {
		label, err := l.T(id)
		if err != nil {
			return s, err
		}
		buttons[url] = label
	}
	s.Body, s.Foot = l.blocks(body, buttons), l.blocks(foot.String(), nil)
	s.Body[0].Code = l.Code != ""
	s.Body[0].Lang = l.Hint
	return s, nil
}

func (l letter) blocks(text string, buttons map[string]string) []block {
	var all []block
	for _, lines := range paragraphs(text) {
		b := block{lines: lines}
		for _, line := range lines {
			b.HTML = append(b.HTML, l.html(line))
		}
		if label, ok := buttons[lines[0]]; ok && len(lines) == 1 {
			b.URL, b.Button = lines[0], label
		}
		all = append(all, b)
	}
	return all
}

// html is a line of the text with its links: the addresses of the provider's and
// our own pages, and the help contact.
func (l letter) html(line string) template.HTML {
	escaped := html.EscapeString(line)
	if slices.Contains([]string{l.Link, l.Guide, l.Site.HelpURL, l.Site.WebmailURL}, line) {
		escaped = `<a href="` + escaped + `">` + escaped + `</a>`
	} else if contact := html.EscapeString(l.Site.HelpContact); contact != "" {
		escaped = strings.ReplaceAll(escaped, contact, string(linked(l.Site.HelpContact)))
	}
	return template.HTML(styled.Replace(escaped))
}

// styled has the elements of a line look right where a mail program takes no
// style sheet.
var styled = strings.NewReplacer(openMark, "<strong>", closeMark, "</strong>",
	`<a href="tel:`, `<a style="color: #14535c; white-space: nowrap" href="tel:`, `<a href=`, `<a style="color: #14535c" href=`)

// text is the section in the text part.
func (s section) text() string {
	var all []string
	for _, b := range slices.Concat(s.Body, s.Foot) {
		all = append(all, unmarked.Replace(strings.Join(b.lines, "\n")))
	}
	return strings.Join(all, "\n\n") + "\n"
}

// paragraphs splits a text at its empty lines, and each paragraph in lines.
func paragraphs(text string) [][]string {
	var all [][]string
	var lines []string
	for line := range strings.Lines(text + "\n\n") {
		line = strings.TrimSpace(line)
		if line != "" {
			lines = append(lines, line)
		} else if lines != nil {
			all, lines = append(all, lines), nil
		}
	}
	return all
}
