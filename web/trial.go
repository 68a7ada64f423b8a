package web

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"stella/spid"
	"stella/templates"
	"stella/workflow"
)

// startTrial starts a login that belongs to no mailbox, for the official testers
// (italia/spid-sp-test, italia/spid-saml-check). They choose what it asks for:
// the provider (idp), and if they like how the request travels (binding=post),
// the level (level=SpidL3) and a professional identity (purpose=PG). It is
// answered where the provider posts to, and no cookie is needed.
func (s *Server) startTrial(w http.ResponseWriter, r *http.Request, f *Federation) error {
	if prefetched(r) {
		return errPrefetch
	}
	query := r.URL.Query()
	sp, ask, err := trialAsk(f, query)
	if err != nil {
		return err
	}
	provider := f.Providers().Find(query.Get("idp"))
	if provider == nil || ask.Post && provider.PostURL == "" {
		return errNotFound
	}
	request, dispatch, err := sp.Login(provider, ask)
	if err != nil {
		return fmt.Errorf("making a trial request to %s: %w", provider.EntityID, err)
	}
	page := templates.Page{Locale: s.locale(r, workflow.Visitor{})}
	login := loginOf(request, f.name(provider))
	err = s.Procedure.StartTrial(r.Context(), login, request.XML, s.ClientAddress(r))
	if errors.Is(err, workflow.ErrSuspended) {
		d := failureOf(f, workflow.Login{}, "suspended")
		d.Trial = true
		s.loginFailed(w, r, page, d)
		return nil
	}
	if err != nil {
		return err
	}
	return s.dispatch(w, r, page, login, dispatch)
}

// trialAsk reads what a tester wants a login to ask for.
func trialAsk(f *Federation, query url.Values) (*spid.ServiceProvider, spid.Ask, error) {
	purpose := query.Get("purpose")
	ask := spid.Ask{Company: purpose != "", Purpose: purpose, Post: query.Get("binding") == "post"}
	if spid.CheckPurpose(purpose) != nil || f.Scheme == spid.CIE && purpose != "" {
		return nil, ask, errMalformed
	}
	sp := *f.ServiceProvider
	if name := query.Get("level"); name != "" {
		level, err := spid.LevelNamed(name)
		if err != nil {
			return nil, ask, errMalformed
		}
		sp.Level = level
	}
	return &sp, ask, nil
}

// endTrial tells what came of a trial: 200 where somebody was identified, and
// otherwise the page that anybody would see.
func (s *Server) endTrial(w http.ResponseWriter, r *http.Request, f *Federation, l workflow.Login, response *spid.Response,
	answer workflow.Answer, a *spid.Assertion) error {
	err := s.Procedure.EndTrial(r.Context(), l.ID, answer, response.XML())
	if errors.Is(err, workflow.ErrUnknown) || errors.Is(err, workflow.ErrNoPerson) { // answered before, or by nobody
		return s.refuseAnswer(w, r, f, l, response, err)
	}
	if err != nil {
		return err
	}
	s.remark(r, l, answer, a)
	p := templates.Page{Locale: s.locale(r, workflow.Visitor{})}
	if a == nil {
		s.loginFailed(w, r, p, failureOf(f, l, failureCode(answer.Failure)))
		return nil
	}
	data := templates.Trial{Provider: l.ProviderName, Login: l.ID, Assertion: a.ID, Level: f.level(a.Level)}
	for _, name := range slices.Sorted(maps.Keys(a.Attributes)) {
		data.Attributes = append(data.Attributes, templates.Attribute{Name: name, Value: a.Attributes[name]})
	}
	p.Data = data
	s.write(w, r, http.StatusOK, "trial", p)
	return nil
}
