package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"stella/spid"
	"stella/templates"
	"stella/workflow"
)

// loginPage shows a page on the way to an identity provider, which fill names
// and fills.
func (s *Server) loginPage(fill func(*http.Request, *visit, *templates.Page) (string, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := s.visit(r)
		if err != nil {
			return err
		}
		if !v.c.MayLogIn(v.visitor) {
			s.redirectHome(w, r, "")
			return nil
		}
		p := s.basePage(v)
		p.BackTo = "/"
		name, err := fill(r, v, &p)
		if err != nil {
			return err
		}
		s.write(w, r, http.StatusOK, name, p)
		return nil
	}
}

// methods are the two schemes. CIE has one provider, so that its entry starts
// the login. If there is SPID alone there is nothing to choose but its provider,
// and the entry of SPID stands above the list.
func (s *Server) methods(r *http.Request, v *visit, p *templates.Page) (string, error) {
	if s.CIE == nil {
		links, err := s.providerLinks(r, v)
		p.Data = templates.Providers{Links: links, Entry: true, SPIDLogo: s.logoURL("spid")}
		return "providers", err
	}
	m := templates.Methods{SPIDLogo: s.logoURL("spid"), CIELogo: s.logoURL("cie")}
	available, err := s.available(r.Context(), s.CIE)
	if len(available) > 0 {
		m.CIE = loginURL(v, available[0].EntityID)
	}
	p.Data = m
	return "methods", err
}

func (s *Server) providers(r *http.Request, v *visit, p *templates.Page) (string, error) {
	links, err := s.providerLinks(r, v)
	p.Data = templates.Providers{Links: links}
	if s.CIE != nil {
		p.BackTo = "/identificazione"
	}
	return "providers", err
}

func (s *Server) providerLinks(r *http.Request, v *visit) ([]templates.ProviderLink, error) {
	available, err := s.available(r.Context(), &s.SPID)
	var links []templates.ProviderLink
	for _, p := range available {
		links = append(links, templates.ProviderLink{Name: s.SPID.name(p), URL: loginURL(v, p.EntityID), Logo: s.providerLogo(p)})
	}
	return links, err
}

// loginURL starts a login. It is a GET that acts, and so is bound to the session
// by a value that nobody else can make.
func loginURL(v *visit, provider string) string {
	return "/identificazione/avvia?" + url.Values{"idp": {provider}, "t": {loginToken(v)}}.Encode()
}

func loginToken(v *visit) string {
	mac := hmac.New(sha256.New, []byte(v.session.secret))
	mac.Write([]byte("login"))
	mac.Write(v.c.Qualification.ID[:])
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// prefetched reports whether a page is loaded ahead of anybody's wish, or only
// looked at.
func prefetched(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return true
	}
	for _, h := range []string{"Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"} {
		if v := strings.ToLower(r.Header.Get(h)); strings.Contains(v, "prefetch") || strings.Contains(v, "preview") {
			return true
		}
	}
	return false
}

// startLogin records a request and sends the browser to the provider with it.
func (s *Server) startLogin(w http.ResponseWriter, r *http.Request) error {
	if prefetched(r) {
		return errPrefetch
	}
	v, err := s.visit(r)
	if err != nil {
		return err
	}
	if !hmac.Equal([]byte(r.URL.Query().Get("t")), []byte(loginToken(v))) {
		return errForged
	}
	f, provider := s.provider(r.URL.Query().Get("idp"))
	if provider == nil { // it is no longer in the registry, or can no longer be used
		return s.showFailure(w, r, &s.SPID, "suspended")
	}
	request, dispatch, err := f.Login(provider, s.ask(f, v.c))
	if err != nil {
		return fmt.Errorf("making a request to %s: %w", provider.EntityID, err)
	}
	login := loginOf(request, f.name(provider))
	err = s.Procedure.StartLogin(r.Context(), v.visitor, login, request.XML)
	switch {
	case errors.Is(err, workflow.ErrNotAllowed):
		s.redirectHome(w, r, "moved_on")
		return nil
	case errors.Is(err, workflow.ErrSuspended):
		return s.showFailure(w, r, f, "suspended")
	case err != nil:
		return err
	}
	return s.dispatch(w, r, templates.Page{Locale: v.locale, Mailbox: workflow.Readable(v.c.Mailbox.Address)}, login, dispatch)
}

// loginOf is what is kept of a request to a provider of that name.
func loginOf(r spid.Request, provider string) workflow.Login {
	return workflow.Login{ID: r.ID, Provider: r.Provider, ProviderName: provider, RelayState: r.RelayState,
		Level: r.Level.String(), Comparison: r.Comparison, StartedAt: r.IssuedAt}
}

// requestOf is loginOf read back.
func requestOf(l workflow.Login) (spid.Request, error) {
	level, err := spid.LevelNamed(l.Level)
	return spid.Request{ID: l.ID, RelayState: l.RelayState, Provider: l.Provider, IssuedAt: l.StartedAt,
		Level: level, Comparison: l.Comparison}, err
}

// origin is that of a URL which a form may go to: nothing in it could be read as
// another word of a policy.
var origin = regexp.MustCompile(`^(https?://[0-9A-Za-z.-]+(?::[0-9]+)?)(?:[/?]|$)`)

// dispatch sends the browser to a provider with a request: by a redirect, or by
// a page with a form that posts itself (SPID technical rules, "Trasmissione").
// That page alone may send a form to another site, and to no other than the
// provider's.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, page templates.Page, l workflow.Login, d spid.Dispatch) error {
	if d.SAMLRequest == "" {
		http.Redirect(w, r, d.URL, http.StatusFound) // 302, which SPID's testers want
		return nil
	}
	to := origin.FindStringSubmatch(d.URL)
	if to == nil {
		return fmt.Errorf("the provider %s takes forms at %q, which is no address", l.Provider, d.URL)
	}
	w.Header().Set("Content-Security-Policy", strings.Replace(contentSecurity, "form-action 'self'", "form-action "+to[1], 1))
	page.Data = templates.LoginPost{Provider: l.ProviderName, URL: d.URL, SAMLRequest: d.SAMLRequest, RelayState: d.RelayState}
	s.write(w, r, http.StatusOK, "login_post", page)
	return nil
}

// metadata is what identity providers know of us.
func (s *Server) metadata(w http.ResponseWriter, _ *http.Request, f *Federation) error {
	metadata, err := f.Metadata()
	if err != nil {
		return fmt.Errorf("making the metadata: %w", err)
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, err = w.Write(metadata)
	return err
}
