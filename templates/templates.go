// Package templates holds everything people read, embedded in the program:
//
//	page.go       what handlers and mail workers hand over
//	login.go      the same for the pages on the way to an identity provider and back
//	templates.go  New and Page: layout.html around pages/NAME.html
//	view.go       what a page's template can ask for
//	words.go      the texts of locales/, languages, dates
//	mail.go       Mail: its text, and the same again as HTML in mail.html
//	letter.go     the sections of a mail: mails/KIND.txt, which ends with mail.txt
//	notice.go     the contract notice as a file that comes with a mail
//	contact.go    the help contact with its links
//	static.go     the style sheet, the scripts and the drawings of static/, the pictures of journey/
//	guide.go      what the page of the guide can ask for
//	contract.go   the contract notice: the sample of contract/, or the operator's own
//
// It knows nothing of what the pages are for: it is given a name and data. All
// templates are parsed by New, so that a broken one stops the program at its
// start and not a holder in the middle of a procedure.
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
	site   Site
	words  map[string]words // by locale
	pages  map[string]*template.Template
	mails  map[string]*texttemplate.Template
	sheets *template.Template // the HTML around a mail, and around a contract notice
}

// New parses every template for one provider. An error names the file.
func New(site Site) (*Templates, error) {
	t := &Templates{site: site}
	var err error
	if t.words, err = loadWords(files, site); err != nil {
		return nil, err
	}
	if t.pages, err = loadPages(files); err != nil {
		return nil, err
	}
	if t.mails, t.sheets, err = loadMails(files); err != nil {
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

// Names lists the pages, sorted.
func (t *Templates) Names() []string {
	return slices.Sorted(maps.Keys(t.pages))
}

// Page writes the whole document of a page. A failure writes nothing, so that
// the handler can still answer with a fault.
func (t *Templates) Page(w io.Writer, name string, p Page) error {
	page, ok := t.pages[name]
	if !ok {
		return fmt.Errorf("templates: no page %q", name)
	}
	p.Locale = t.Locale(p.Locale)
	v := view{
		Page:  p,
		Site:  t.site,
		Step:  steps[cmp.Or(p.Opener, name)],
		words: t.words[p.Locale].with("Mailbox", p.Mailbox),
	}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, "layout.html", v); err != nil {
		return fmt.Errorf("templates: page %q: %w", name, err)
	}
	_, err := b.WriteTo(w)
	return err
}
