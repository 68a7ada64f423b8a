package templates

import (
	"bytes"
	"html/template"
	"strings"
	"testing"
	texttemplate "text/template"
)

// Pages and mails are the same with and without the constants.
func TestConstantsChangeNothing(t *testing.T) {
	t.Parallel()
	for _, s := range []Site{site, {Provider: `"P" + <b>'Q' & R`, Service: "S\x00", CIE: true, ReviewDays: 3}} {
		all, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		plain := withoutConstants(t, all)
		for _, locale := range locales {
			for _, s := range samples(locale) {
				var want, got bytes.Buffer
				if err := plain.Page(&want, s.page, s.Page); err != nil {
					t.Fatal(err)
				}
				if err := all.Page(&got, s.page, s.Page); err != nil {
					t.Fatal(err)
				}
				if got.String() != want.String() {
					t.Errorf("%s %s is\n%s\nwant\n%s", locale, s.name(), got.String(), want.String())
				}
			}
			for kind, m := range mailKinds(locale) {
				want, err := plain.Mail(kind, m)
				if err != nil {
					t.Fatal(err)
				}
				got, err := all.Mail(kind, m)
				if err != nil {
					t.Fatal(err)
				}
				if got.Subject != want.Subject || got.Text != want.Text || got.HTML != want.HTML {
					t.Errorf("%s %s is %v, want %v", locale, kind, got, want)
				}
			}
		}
	}
}

// withoutConstants returns templates that find every text when they are executed.
func withoutConstants(t *testing.T, all *Templates) *Templates {
	t.Helper()
	layout, err := loadLayout(files)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := loadPages(files, layout)
	if err != nil {
		t.Fatal(err)
	}
	mails, _, err := loadMails(files)
	if err != nil {
		t.Fatal(err)
	}
	plain := *all
	plain.pages = map[string]map[string]*template.Template{}
	plain.mails = map[string]map[string]*texttemplate.Template{}
	for _, locale := range locales {
		plain.pages[locale], plain.mails[locale] = pages, mails
	}
	return &plain
}

// A text that names the mailbox is not constant, nor is a text with arguments.
func TestConstants(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	for id, want := range map[string]bool{"change": true, "contact_data_privacy": true, "identified_ask": false, "identified_code_end": false} {
		if _, got := all.messages["it"].constant(id); got != want {
			t.Errorf("%s is constant: %v", id, got)
		}
	}
	for _, id := range []string{"skip_link", "footer_help"} {
		for _, page := range all.pages["it"] {
			for _, part := range page.Templates() {
				if strings.Contains(part.Tree.Root.String(), id) {
					t.Errorf("%s is not replaced in %s", id, part.Name())
				}
			}
		}
	}
}
