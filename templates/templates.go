// Package templates renders the pages and the mails. All texts and templates are
// embedded in the program. Start with templates.go:
//
//	templates.go  New and Page: layout.html with pages/NAME.html
//	page.go       the data of pages and mails
//	login.go      the data of the pages before and after a login
//	view.go       the methods that a page's template can call
//	guide.go      the methods for the guide's template
//	messages.go   the texts of locales/, languages, dates
//	mail.go       Mail: a mail's text and HTML part, the latter from mail.html
//	mail_data.go  the sections of a mail: mails/KIND.txt and mail.txt
//	notice.go     the contract notice as an attachment of a mail
//	contract.go   the contract notice: the sample of contract/ or the operator's own
//	contact.go    the links in the help contact
//	static.go     the files of static/ and the pictures of journey/
//
// The package contains no rules of the procedure. New parses all templates, so that
// an error in a template stops the program at its start.
package templates

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	texttemplate "text/template"
)

//go:embed layout.html mail.html mail.txt notice.html pages mails locales static journey contract
var files embed.FS

// Templates renders pages and mails. It is safe for concurrent use.
type Templates struct {
	site     Site
	messages map[string]messages // by locale
	pages    map[string]*template.Template
	mails    map[string]*texttemplate.Template
	layouts  *template.Template // mail.html and notice.html
}

// New parses all templates for a provider. An error contains the file's name.
func New(site Site) (*Templates, error) {
	t := &Templates{site: site}
	var err error
	if t.messages, err = loadMessages(files, site); err != nil {
		return nil, err
	}
	if t.pages, err = loadPages(files); err != nil {
		return nil, err
	}
	if t.mails, t.layouts, err = loadMails(files); err != nil {
		return nil, err
	}
	return t, nil
}

func loadPages(fsys fs.FS) (map[string]*template.Template, error) {
	layout, err := template.New("layout.html").
		Funcs(template.FuncMap{"asset": assetURL}).
		ParseFS(fsys, "layout.html")
	if err != nil {
		return nil, fmt.Errorf("templates: layout.html: %w", err)
	}
	names, err := fs.Glob(fsys, "pages/*.html")
	if err != nil {
		return nil, err
	}
	pages := make(map[string]*template.Template, len(names))
	for _, file := range names {
		page, err := template.Must(layout.Clone()).ParseFS(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("templates: %s: %w", file, err)
		}
		pages[strings.TrimSuffix(path.Base(file), ".html")] = page
	}
	return pages, nil
}

// Names returns the names of the pages, sorted.
func (t *Templates) Names() []string {
	return slices.Sorted(maps.Keys(t.pages))
}

// Page renders a page and writes it to w. If rendering fails it writes nothing, so
// that the handler can still send an error page.
func (t *Templates) Page(w io.Writer, name string, p Page) error {
	page, ok := t.pages[name]
	if !ok {
		return fmt.Errorf("templates: no page %q", name)
	}
	p.Locale = t.Locale(p.Locale)
	v := view{
		Page:     p,
		Site:     t.site,
		Step:     steps[cmp.Or(p.Opener, name)],
		messages: t.messages[p.Locale].with("Mailbox", p.Mailbox),
	}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, "layout.html", v); err != nil {
		return fmt.Errorf("templates: page %q: %w", name, err)
	}
	_, err := b.WriteTo(w)
	return err
}
