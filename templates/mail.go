package templates

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	texttemplate "text/template"
)

// Message is a mail ready to be sent.
type Message struct {
	Subject string
	Text    string
	HTML    string
}

// letter is what a mail's template sees as its dot.
type letter struct {
	Mail
	words
	Site Site
}

func loadMails(fsys fs.FS) (map[string]*texttemplate.Template, *template.Template, error) {
	sheet, err := template.ParseFS(fsys, "mail.html")
	if err != nil {
		return nil, nil, fmt.Errorf("templates: mail.html: %w", err)
	}
	names, err := fs.Glob(fsys, "mails/*.txt")
	if err != nil {
		return nil, nil, err
	}
	mails := make(map[string]*texttemplate.Template, len(names))
	for _, file := range names {
		m, err := texttemplate.New(path.Base(file)).ParseFS(fsys, "mail.txt", file)
		if err != nil {
			return nil, nil, fmt.Errorf("templates: %s: %w", file, err)
		}
		mails[strings.TrimSuffix(path.Base(file), ".txt")] = m
	}
	return mails, sheet, nil
}

// Mail writes a mail. Its template begins with a line "Subject: …" and goes on
// with paragraphs; the HTML part is made of the same paragraphs, so that the
// two can never say different things.
func (t *Templates) Mail(kind string, m Mail) (Message, error) {
	mail, ok := t.mails[kind]
	if !ok {
		return Message{}, fmt.Errorf("templates: no mail %q", kind)
	}
	m.Locale = t.Locale(m.Locale)
	l := letter{m, t.words[m.Locale].with("Mailbox", m.Mailbox), t.site}
	var b strings.Builder
	if err := mail.Execute(&b, l); err != nil {
		return Message{}, fmt.Errorf("templates: mail %q: %w", kind, err)
	}
	head, body, _ := strings.Cut(b.String(), "\n")
	subject, ok := strings.CutPrefix(head, "Subject: ")
	if !ok {
		return Message{}, fmt.Errorf("templates: mail %q does not begin with its subject", kind)
	}
	var text []string
	all := paragraphs(body)
	for _, lines := range all {
		text = append(text, strings.Join(lines, "\n"))
	}
	var page bytes.Buffer
	err := t.sheet.Execute(&page, map[string]any{
		"Locale":     m.Locale,
		"Subject":    subject,
		"Provider":   t.site.Provider,
		"Code":       m.Code,
		"Link":       m.Link,
		"Help":       t.site.HelpURL,
		"Paragraphs": all,
	})
	if err != nil {
		return Message{}, fmt.Errorf("templates: mail %q: %w", kind, err)
	}
	return Message{
		Subject: subject,
		Text:    strings.Join(text, "\n\n") + "\n",
		HTML:    page.String(),
	}, nil
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
