package templates

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
	texttemplate "text/template"
)

// Message is a mail ready to be sent.
type Message struct {
	Subject    string
	Text       string
	HTML       string
	Attachment *Attachment // nil if there is none
}

// bilingual lists the mails to people whose language is not known yet. They have
// the text in both languages, first in that of the person who caused the mail.
var bilingual = []string{"invitation"}

func loadMails(fsys fs.FS) (map[string]*texttemplate.Template, *template.Template, error) {
	sheets, err := template.ParseFS(fsys, "mail.html", "notice.html")
	if err != nil {
		return nil, nil, fmt.Errorf("templates: %w", err)
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
	return mails, sheets, nil
}

// Mail renders a mail. kind is the name of its template in mails/, for example
// "code". The text and the HTML part are made from the same sections, so they have
// the same content.
func (t *Templates) Mail(kind string, m Mail) (Message, error) {
	m.Locale = t.Locale(m.Locale)
	message, err := t.message(kind, m)
	if err != nil {
		return Message{}, fmt.Errorf("templates: mail %q: %w", kind, err)
	}
	return message, nil
}

func (t *Templates) message(kind string, m Mail) (Message, error) {
	languages := []string{m.Locale}
	if slices.Contains(bilingual, kind) {
		for _, l := range locales {
			if l != m.Locale {
				languages = append(languages, l)
			}
		}
	}
	var sections []section
	var texts []string
	for i, locale := range languages {
		m.Locale = locale
		l := mailData{Mail: m, messages: t.messages[locale].forMailbox(m.Mailbox), Site: t.site}
		if i == 0 && len(languages) > 1 {
			l.Hint = languages[1]
		}
		s, err := t.section(kind, l)
		if err != nil {
			return Message{}, err
		}
		sections, texts = append(sections, s), append(texts, s.text())
	}
	message := Message{Subject: sections[0].Subject, Text: strings.Join(texts, "\n* * *\n\n")}
	var page bytes.Buffer
	err := t.layouts.ExecuteTemplate(&page, "mail.html", map[string]any{"Provider": t.site.Provider, "Sections": sections})
	if err != nil {
		return Message{}, err
	}
	message.HTML = page.String()
	if m.Notice != nil {
		message.Attachment, err = t.noticeFile(*m.Notice)
	}
	return message, err
}
