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
// (italia/spid-sp-test, italia/spid-saml-check). The query names the provider (idp)
// and optionally the binding (binding=post), the level (level=SpidL3) and a
// professional identity (purpose=PG). receiveAnswer shows the result; a trial
// needs no cookies.
func (s *Server) startTrial(w http.ResponseWriter, r *http.Request, f *Federation) error {
	if prefetched(r) {
		return errPrefetch
	}
	query := r.URL.Query()
	sp, options, err := trialOptions(f, query)
	if err != nil {
		return err
	}
	provider := f.Providers().Find(query.Get("idp"))
	if provider == nil || options.Post && provider.PostURL == "" {
		return errNotFound
	}
	request, dispatch, err := sp.Login(provider, options)
	if err != nil {
		return fmt.Errorf("making a trial request to %s: %w", provider.EntityID, err)
	}
	page := templates.Page{Locale: s.locale(r, workflow.Visitor{})}
	login := loginOf(request, f.name(provider))
	err = s.Logins.StartTest(r.Context(), login, request.XML, clientAddress(r))
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

// trialOptions reads the options of a trial from the query.
func trialOptions(f *Federation, query url.Values) (*spid.ServiceProvider, spid.LoginOptions, error) {
	purpose := query.Get("purpose")
	options := spid.LoginOptions{Company: purpose != "", Purpose: purpose, Post: query.Get("binding") == "post"}
	if spid.CheckPurpose(purpose) != nil || f.Scheme == spid.CIE && purpose != "" {
		return nil, options, errMalformed
	}
	sp := *f.ServiceProvider
	if name := query.Get("level"); name != "" {
		level, err := spid.LevelNamed(name)
		if err != nil {
			return nil, options, errMalformed
		}
		sp.Level = level
	}
	return &sp, options, nil
}

// endTrial shows the result of a trial: the attributes with status 200 if a person
// was identified, otherwise the page of a failed login.
func (s *Server) endTrial(w http.ResponseWriter, r *http.Request, f *Federation, l workflow.Login, response *spid.Response,
	answer workflow.Answer, a *spid.Assertion) error {
	err := s.Logins.EndTest(r.Context(), l.ID, answer, response.XML())
	// The trial was answered before, or the response has no person's fiscal code.
	if errors.Is(err, workflow.ErrUnknown) || errors.Is(err, workflow.ErrNoPerson) {
		return s.refuseAnswer(w, r, f, l, response, err)
	}
	if err != nil {
		return err
	}
	s.logAnomaly(r, l, answer, a)
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
