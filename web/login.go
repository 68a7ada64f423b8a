package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"stella/spid"
	"stella/templates"
	"stella/workflow"
)

// returnCookie carries the one-time secret of a parked answer from the endpoint
// that took it to the page that applies it. Unlike the session's cookie it is
// set by the answer itself, so that both meet only in the browser that asked.
const returnCookie = "stella-return"

// loginPage shows a page on the way to an identity provider.
func (s *Server) loginPage(name string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := s.visit(r)
		if err != nil {
			return err
		}
		if !v.c.MayLogIn(v.visitor) {
			redirectHome(w, r, "")
			return nil
		}
		p := s.basePage(v)
		if name == "providers" {
			var links []templates.ProviderLink
			for _, provider := range s.SPID.Providers().Shuffled() {
				links = append(links, templates.ProviderLink{Name: provider.Name, URL: loginURL(v, provider.EntityID)})
			}
			p.Data = templates.Providers{Links: links}
		}
		s.write(w, r, http.StatusOK, name, p)
		return nil
	}
}

// loginURL starts a login. It is one of the two GETs that act, and so is bound
// to the session by a value that nobody else can make.
func loginURL(v *visit, provider string) string {
	return "/identificazione/avvia?" + url.Values{"idp": {provider}, "t": {loginToken(v)}}.Encode()
}

func loginToken(v *visit) string {
	mac := hmac.New(sha256.New, []byte(v.session.ID))
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
	provider := s.SPID.Providers().Find(r.URL.Query().Get("idp"))
	if provider == nil {
		return errNotFound
	}
	request, dispatch, err := s.SPID.Login(provider, spid.Ask{})
	if err != nil {
		return fmt.Errorf("making a request to %s: %w", provider.EntityID, err)
	}
	err = s.Procedure.StartLogin(r.Context(), v.visitor, workflow.Login{ID: request.ID, Provider: provider.EntityID,
		ProviderName: provider.Name, RelayState: request.RelayState, Level: request.Level.String(),
		Comparison: request.Comparison, StartedAt: request.IssuedAt}, request.XML)
	if errors.Is(err, workflow.ErrNotAllowed) {
		redirectHome(w, r, "moved_on")
		return nil
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, dispatch.URL, http.StatusFound) // 302, which SPID's testers want
	return nil
}

// receiveAnswer takes the answer of an identity provider. It is posted by
// another site, so that no cookie of ours comes with it: the answer is
// verified and parked, and applied by the GET that follows.
func (s *Server) receiveAnswer(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	response, err := spid.Open(r.PostForm.Get("SAMLResponse"))
	if err != nil {
		return s.refuseAnswer(w, r, workflow.Login{}, nil, "technical", err)
	}
	login, err := s.Procedure.Login(r.Context(), response.InResponseTo())
	if errors.Is(err, workflow.ErrUnknown) {
		return s.refuseAnswer(w, r, login, response, "elsewhere", err)
	}
	if err != nil {
		return err
	}
	answer, err := s.verify(response, r.PostForm.Get("RelayState"), login)
	if err != nil {
		return s.refuseAnswer(w, r, login, response, "technical", err)
	}
	secret, err := s.Procedure.ParkAnswer(r.Context(), login.ID, answer, response.XML())
	if errors.Is(err, workflow.ErrUnknown) { // answered before
		return s.refuseAnswer(w, r, login, response, "elsewhere", err)
	}
	if err != nil {
		return err
	}
	http.SetCookie(w, s.returnCookie(secret, int(workflow.AnswerLife/time.Second)))
	http.Redirect(w, r, "/spid/return", http.StatusSeeOther)
	return nil
}

// verify says who was identified, or with which code the provider said no.
func (s *Server) verify(response *spid.Response, relayState string, l workflow.Login) (workflow.Answer, error) {
	provider := s.SPID.Find(l.Provider, l.StartedAt)
	if provider == nil {
		return workflow.Answer{}, fmt.Errorf("the provider %s is no longer configured", l.Provider)
	}
	level, err := spid.LevelNamed(l.Level)
	if err != nil {
		return workflow.Answer{}, err
	}
	a, err := s.SPID.Verify(response, relayState, spid.Request{ID: l.ID, RelayState: l.RelayState, Provider: l.Provider,
		IssuedAt: l.StartedAt, Level: level, Comparison: l.Comparison}, provider)
	var anomaly *spid.Anomaly
	if errors.As(err, &anomaly) {
		return workflow.Answer{Failure: anomaly.Code}, nil
	}
	if err != nil {
		return workflow.Answer{}, err
	}
	return workflow.Answer{Assertion: &workflow.Assertion{AssertionID: a.ID, Provider: provider.EntityID,
		ProviderName: provider.Name, Level: a.Level.String(), Name: a.Attributes["name"], FamilyName: a.Attributes["familyName"],
		FiscalNumber: strings.TrimPrefix(a.Attributes["fiscalNumber"], "TINIT-"), DateOfBirth: a.Attributes["dateOfBirth"],
		PersonCode: a.Attributes["spidCode"], AuthenticatedAt: a.AuthnInstant}}, nil
}

// refuseAnswer tells the person that nothing came of the login, and the log why.
// What names a request of ours is archived all the same.
func (s *Server) refuseAnswer(w http.ResponseWriter, r *http.Request, l workflow.Login, response *spid.Response, code string, why error) error {
	if l.ID != "" {
		if err := s.Procedure.KeepRefused(r.Context(), l.ID, response.XML()); err != nil {
			return err
		}
	}
	s.Log.WarnContext(r.Context(), "an answer of an identity provider was refused", "request", requestID(r), "reason", why)
	// Whose it is cannot be told: no cookie comes with it.
	s.loginFailed(w, r, templates.Page{Locale: s.Templates.Locale(r.Header.Get("Accept-Language"))}, code, true)
	return nil
}

func (s *Server) loginFailed(w http.ResponseWriter, r *http.Request, p templates.Page, code string, known bool) {
	p.Data = templates.LoginFailed{Code: code, Reference: requestID(r), Known: known}
	s.write(w, r, http.StatusForbidden, "login_failed", p)
}

// returnFromLogin applies a parked answer: the other GET that acts. A login
// that failed ends here, with its page and a status that says so.
func (s *Server) returnFromLogin(w http.ResponseWriter, r *http.Request) error {
	if prefetched(r) {
		return errPrefetch
	}
	secret := ""
	if cookie, err := r.Cookie(CookieName(s.secure(), returnCookie)); err == nil {
		secret = cookie.Value
		http.SetCookie(w, s.returnCookie("", -1))
	}
	v, _, err := s.visitor(r)
	if err == errNoSession || err == errSessionEnded {
		if err := s.Procedure.DiscardAnswer(r.Context(), secret); err != nil {
			return err
		}
		s.loginFailed(w, r, templates.Page{Locale: s.locale(r, v)}, "elsewhere", false)
		return nil
	}
	if err != nil {
		return err
	}
	err = s.Procedure.Return(r.Context(), v, secret)
	var failed *workflow.LoginError
	switch {
	case err == nil:
		redirectHome(w, r, "")
		return nil
	case errors.As(err, &failed):
		code := failureCode(failed.Code)
		if code == "technical" {
			s.Log.ErrorContext(r.Context(), "an identity provider faults our request", "request", requestID(r), "code", failed.Code)
		}
		return s.showFailure(w, r, code)
	case errors.Is(err, workflow.ErrElsewhere):
		return s.showFailure(w, r, "elsewhere")
	}
	return err
}

func (s *Server) showFailure(w http.ResponseWriter, r *http.Request, code string) error {
	visit, err := s.visit(r)
	if err != nil {
		return err
	}
	s.loginFailed(w, r, s.basePage(visit), code, true)
	return nil
}

// failureCode tells the anomalies that are a person's to mend from those of
// our own requests (SPID technical rules, error messages).
func failureCode(code string) string {
	switch code {
	case "nr19", "nr20", "nr21", "nr22", "nr23", "nr25", "nr30":
		return code
	}
	return "technical"
}

func (s *Server) returnCookie(secret string, maxAge int) *http.Cookie {
	options := CookieOptions(s.secure())
	options.MaxAge = maxAge
	return sessions.NewCookie(CookieName(s.secure(), returnCookie), secret, &options)
}

// metadata is what identity providers know of us.
func (s *Server) metadata(w http.ResponseWriter, _ *http.Request) error {
	metadata, err := s.SPID.Metadata()
	if err != nil {
		return fmt.Errorf("making the metadata: %w", err)
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, err = w.Write(metadata)
	return err
}
