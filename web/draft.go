package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"stella/templates"
	"stella/workflow"
)

// draftPages lists the forms whose input is stored if the session ended before the
// form was sent. Each has the pages that show the same fields.
var draftPages = map[string][]string{
	"/scelta":                 {"holder_choice"},
	"/invito":                 {"holder_invitation", "invited"},
	"/intestatario":           {"holder_kind"},
	"/impresa":                {"company_data"},
	"/contatti":               {"contact_data"},
	"/riepilogo/intestatario": {"edit_holder"},
	"/riepilogo/contatti":     {"edit_contacts"},
	"/identita/contatti":      {"edit_contacts"},
	"/codice/contatti":        {"edit_contacts"},
}

// maxDraftField is the maximum length of a field in a draft, in bytes. Longer
// fields are not stored.
const maxDraftField = 1000

// keepDraft stores the input of a form whose session has ended. It never stores a
// code. It returns why, the error because of which the form was refused, or the
// error of the database.
func (s *Server) keepDraft(r *http.Request, why error) error {
	var ended *endedError
	if !errors.As(why, &ended) || draftPages[r.URL.Path] == nil {
		return why
	}
	values := url.Values{}
	for _, name := range inputs {
		if v := r.PostForm.Get(name); v != "" && len(v) <= maxDraftField {
			values.Set(name, v)
		}
	}
	if len(values) == 0 {
		return why
	}
	kept, err := s.Sessions.KeepDraft(r.Context(), ended.session,
		workflow.Draft{Qualification: formOf(r.PostForm).Qualification, Form: r.URL.Path, Values: values})
	if err != nil {
		return err
	}
	ended.kept = kept
	return why
}

// fillDraft fills the fields of a page with the stored draft, if it belongs there.
func fillDraft(v *visit, page string, p *templates.Page) {
	d := v.session.Draft
	if d == nil || d.Qualification != v.c.Qualification.ID || !slices.Contains(draftPages[d.Form], page) {
		return
	}
	for name := range d.Values {
		p.Values[name] = d.Values.Get(name)
	}
}

// sameFields lists the forms with the same fields as the form of a path. Its input, once
// accepted, replaces their drafts.
func sameFields(path string) (forms []string) {
	for form, pages := range draftPages {
		if slices.Equal(pages, draftPages[path]) {
			forms = append(forms, form)
		}
	}
	return forms
}
