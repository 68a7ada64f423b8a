package templates

import (
	"fmt"
	"html"
	"html/template"
	"slices"
	"strings"
	"time"
)

// mailData is the data of a mail's template.
type mailData struct {
	Mail
	messages
	Site Site
	Hint string // language of the first paragraph, if the mail has two languages and it is in the other one
}

// Two control characters mark the text in bold, as in Strong. The HTML part
// replaces them with tags, the text part removes them.
const (
	openMark  = "\x02"
	closeMark = "\x03"
)

var stripMarks = strings.NewReplacer(openMark, "", closeMark, "")

// Fact returns a text whose arguments are bold in the HTML part.
func (l mailData) Fact(id string, pairs ...any) (string, error) {
	for i := 1; i < len(pairs); i += 2 {
		pairs[i] = openMark + strings.Map(printable, fmt.Sprint(pairs[i])) + closeMark
	}
	return l.T(id, pairs...)
}

// Zoned returns a time with its zone, since a mail may be read anywhere.
func (l mailData) Zoned(t time.Time) (string, error) {
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
	HTML  []template.HTML // one for each line

	Lang   string // the language, if it differs from the section's
	Code   bool   // the paragraph is the code
	URL    string // the paragraph is this URL
	Button string // the label of the button for URL
}

// section executes a mail's template, which begins with a line "Subject: …" and
// continues with paragraphs, and mail.txt, the foot of all mails.
func (t *Templates) section(kind string, l mailData) (section, error) {
	s := section{Locale: l.Locale}
	mail, ok := t.mails[l.Locale][kind]
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

func (l mailData) blocks(text string, buttons map[string]string) []block {
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

// html returns a line of the text as HTML, with links for the URLs of the provider
// and of our own pages, and for the help contact.
func (l mailData) html(line string) template.HTML {
	escaped := html.EscapeString(line)
	if slices.Contains([]string{l.Link, l.Guide, l.Site.HelpURL, l.Site.WebmailURL}, line) {
		escaped = `<a href="` + escaped + `">` + escaped + `</a>`
	} else if contact := html.EscapeString(l.Site.HelpContact); contact != "" && strings.Contains(escaped, contact) {
		escaped = strings.ReplaceAll(escaped, contact, string(contactHTML(l.Site.HelpContact)))
	}
	return template.HTML(inlineStyles.Replace(escaped))
}

// inlineStyles adds inline styles, for mail programs that ignore style sheets.
var inlineStyles = strings.NewReplacer(openMark, "<strong>", closeMark, "</strong>",
	`<a href="tel:`, `<a style="color: #14535c; white-space: nowrap" href="tel:`, `<a href=`, `<a style="color: #14535c" href=`)

// text returns the section for the text part.
func (s section) text() string {
	var all []string
	for _, b := range slices.Concat(s.Body, s.Foot) {
		all = append(all, stripMarks.Replace(strings.Join(b.lines, "\n")))
	}
	return strings.Join(all, "\n\n") + "\n"
}

// paragraphs splits a text into paragraphs at empty lines, and each paragraph into
// lines.
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
