// Package templates renders the pages and the mails. All texts and templates are
// embedded in the program. Start with templates.go:
//
//	templates.go  New and Page: layout.html with pages/NAME.html
//	page.go       the data of pages and mails
//	login.go      the data of the pages before and after a login
//	view.go       the methods that a page's template can call
//	guide.go      the methods for the guide's template
//	constant.go   what is replaced by its value when the templates are loaded
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
	"sync"
	texttemplate "text/template"
)

//go:embed layout.html mail.html mail.txt notice.html pages mails locales static journey contract
var files embed.FS

// Templates renders pages and mails. It is safe for concurrent use.
type Templates struct {
	site     Site
	messages map[string]messages                          // by locale
	pages    map[string]map[string]*template.Template     // by locale and name
	mails    map[string]map[string]*texttemplate.Template // by locale and kind
	frames   map[string][]frame                           // by locale and step
	layouts  *template.Template                           // mail.html and notice.html
}

// New parses all templates for a provider. An error contains the file's name.
func New(site Site) (*Templates, error) {
	t := &Templates{site: site}
	var err error
	if t.messages, err = loadMessages(files, site); err != nil {
		return nil, err
	}
	layout, err := loadLayout(files)
	if err != nil {
		return nil, err
	}
	pages, err := loadPages(files, layout)
	if err != nil {
		return nil, err
	}
	var mails map[string]*texttemplate.Template
	if mails, t.layouts, err = loadMails(files); err != nil {
		return nil, err
	}
	t.pages = make(map[string]map[string]*template.Template, len(locales))
	t.mails = make(map[string]map[string]*texttemplate.Template, len(locales))
	t.frames = make(map[string][]frame, len(locales))
	for _, locale := range locales {
		t.pages[locale], t.mails[locale] = t.inPages(pages, locale), t.inMails(mails, locale)
		if t.frames[locale], err = t.loadFrames(layout, locale); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func loadLayout(fsys fs.FS) (*template.Template, error) {
	layout, err := template.New("layout.html").
		Funcs(template.FuncMap{"asset": assetURL}).
		ParseFS(fsys, "layout.html")
	if err != nil {
		return nil, fmt.Errorf("templates: layout.html: %w", err)
	}
	return layout, nil
}

func loadPages(fsys fs.FS, layout *template.Template) (map[string]*template.Template, error) {
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

// loadFrames renders the frames of the pages without a step and of each step.
func (t *Templates) loadFrames(layout *template.Template, locale string) ([]frame, error) {
	layout, err := layout.Clone()
	if err != nil {
		return nil, err
	}
	var frames []frame
	for step := range 6 {
		var progress, footer strings.Builder
		v := &view{Site: t.site, Step: step, messages: t.messages[locale]}
		if err := layout.ExecuteTemplate(&footer, "footer", v); err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
		if step > 0 {
			if err := layout.ExecuteTemplate(&progress, "progress", v); err != nil {
				return nil, fmt.Errorf("templates: %w", err)
			}
		}
		frames = append(frames, frame{template.HTML(progress.String()), template.HTML(footer.String())})
	}
	return frames, nil
}

// buffers are reused, because a page has several thousand bytes.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Names returns the names of the pages, sorted.
func (t *Templates) Names() []string {
	return slices.Sorted(maps.Keys(t.pages[locales[0]]))
}

// Page renders a page and writes it to w. If rendering fails it writes nothing, so
// that the handler can still send an error page.
func (t *Templates) Page(w io.Writer, name string, p Page) error {
	p.Locale = t.Locale(p.Locale)
	page, ok := t.pages[p.Locale][name]
	if !ok {
		return fmt.Errorf("templates: no page %q", name)
	}
	v := &view{
		Page:     p,
		Site:     t.site,
		Step:     steps[cmp.Or(p.Opener, name)],
		messages: t.messages[p.Locale].forMailbox(p.Mailbox),

		Locale: p.Locale, Form: p.Form, IdleSeconds: p.IdleSeconds, Errors: p.Errors, Data: p.Data,
	}
	v.Frame = t.frames[p.Locale][v.Step]
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	if err := page.ExecuteTemplate(b, "layout.html", v); err != nil {
		return fmt.Errorf("templates: page %q: %w", name, err)
	}
	_, err := b.WriteTo(w)
	return err
}
