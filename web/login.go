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

	"stella/middleware"
	"stella/spid"
	"stella/templates"
	"stella/workflow"
	"stella/workflow/contact"
	"stella/workflow/qualification"
)

// loginPage returns the handler of a page that leads to an identity provider. fill
// sets the page's data and returns its name.
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

// methods fills the page on which the user chooses SPID or CIE. CIE has one
// provider, so its button starts the login. Without CIE there is no choice: the
// page is the list of SPID providers, with the SPID button above it.
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

// loginURL returns the URL that starts a login. It is a GET that changes state, so
// it contains a token that only this session can have (CSRF).
func loginURL(v *visit, provider string) string {
	return "/identificazione/avvia?" + url.Values{"idp": {provider}, "t": {loginToken(v)}}.Encode()
}

func loginToken(v *visit) string {
	mac := hmac.New(sha256.New, []byte(v.session.secret))
	mac.Write([]byte("login"))
	mac.Write(v.c.Qualification.ID[:])
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// prefetched reports whether the browser loads a page in advance or for a preview,
// or whether the method is not GET.
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
	if provider == nil { // it has left the registry, or new logins may not use it
		return s.showFailure(w, r, &s.SPID, "suspended")
	}
	request, dispatch, err := f.Login(provider, s.loginOptions(f, v.c))
	if err != nil {
		return fmt.Errorf("making a request to %s: %w", provider.EntityID, err)
	}
	login := loginOf(request, f.name(provider))
	err = s.Procedure.StartLogin(r.Context(), v.visitor, login, request.XML)
	switch {
	case errors.Is(err, qualification.ErrNotAllowed):
		s.redirectHome(w, r, "moved_on")
		return nil
	case errors.Is(err, workflow.ErrSuspended):
		return s.showFailure(w, r, f, "suspended")
	case err != nil:
		return err
	}
	return s.dispatch(w, r, templates.Page{Locale: v.locale, Mailbox: contact.Readable(v.c.Mailbox.Address)}, login, dispatch)
}

// loginOf returns the stored form of a request. provider is the provider's name
// for users.
func loginOf(r spid.Request, provider string) workflow.Login {
	return workflow.Login{ID: r.ID, Provider: r.Provider, ProviderName: provider, RelayState: r.RelayState,
		Level: r.Level.String(), Comparison: r.Comparison, StartedAt: r.IssuedAt}
}

// requestOf is the inverse of loginOf.
func requestOf(l workflow.Login) (spid.Request, error) {
	level, err := spid.LevelNamed(l.Level)
	return spid.Request{ID: l.ID, RelayState: l.RelayState, Provider: l.Provider, IssuedAt: l.StartedAt,
		Level: level, Comparison: l.Comparison}, err
}

// formOrigin matches a URL to which a form may be posted, and captures its origin.
// The captured text cannot add directives to a Content-Security-Policy.
var formOrigin = regexp.MustCompile(`^(https?://[0-9A-Za-z.-]+(?::[0-9]+)?)(?:[/?]|$)`)

// dispatch sends the browser to a provider with a request: with a redirect, or with
// a page whose form is posted by a script (SPID technical rules, "Trasmissione").
// The policy of that page allows forms to the provider's site. No other page may
// post a form to another site.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, page templates.Page, l workflow.Login, d spid.Dispatch) error {
	if d.SAMLRequest == "" {
		http.Redirect(w, r, d.URL, http.StatusFound) // SPID's official tester requires 302
		return nil
	}
	to := formOrigin.FindStringSubmatch(d.URL)
	if to == nil {
		return fmt.Errorf("the provider %s takes forms at %q, which is not an address", l.Provider, d.URL)
	}
	middleware.AllowFormsTo(w.Header(), to[1])
	page.Data = templates.LoginPost{Provider: l.ProviderName, URL: d.URL, SAMLRequest: d.SAMLRequest, RelayState: d.RelayState}
	s.write(w, r, http.StatusOK, "login_post", page)
	return nil
}

// metadata returns our SAML metadata, for identity providers.
func (s *Server) metadata(w http.ResponseWriter, _ *http.Request, f *Federation) error {
	metadata, err := f.Metadata()
	if err != nil {
		return fmt.Errorf("making the metadata: %w", err)
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, err = w.Write(metadata)
	return err
}
