package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"stella/templates"
	"stella/workflow"
)

// drafted are the forms whose fields are kept if the session ended before they
// came, each with the pages that show these fields.
var drafted = map[string][]string{
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

// longestDraft is the length of a field, in bytes, up to which it is kept.
const longestDraft = 1000

// keepDraft keeps what was typed into a form whose session has ended, and never a
// code. It returns the error for which the form was not taken.
func (s *Server) keepDraft(r *http.Request, why error) error {
	var ended *endedError
	if !errors.As(why, &ended) || drafted[r.URL.Path] == nil {
		return why
	}
	values := url.Values{}
	for _, name := range inputs {
		if v := r.PostForm.Get(name); v != "" && len(v) <= longestDraft {
			values.Set(name, v)
		}
	}
	if len(values) == 0 {
		return why
	}
	kept, err := s.Procedure.KeepDraft(r.Context(), ended.session,
		workflow.Draft{Qualification: formOf(r.PostForm).Qualification, Form: r.URL.Path, Values: values})
	if err != nil {
		return err
	}
	ended.kept = kept
	return why
}

// fillDraft fills the fields of a page with what was typed too late.
func fillDraft(v *visit, page string, p *templates.Page) {
	d := v.session.Draft
	if d == nil || d.Qualification != v.c.Qualification.ID || !slices.Contains(drafted[d.Form], page) {
		return
	}
	for name := range d.Values {
		p.Values[name] = d.Values.Get(name)
	}
}

// dropDraft drops a draft once its form, or one with the same fields, was taken.
func (s *Server) dropDraft(r *http.Request, now session) error {
	if now.Draft == nil || !slices.Equal(drafted[now.Draft.Form], drafted[r.URL.Path]) {
		return nil
	}
	return s.Procedure.DropDraft(r.Context(), now.Session)
}
