package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"stella/middleware"
	"stella/spid"
	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

// returnCookie carries the one-time secret of a stored SAML response from
// receiveAnswer, which sets it, to returnFromLogin. Only the browser that started
// the login has both this cookie and the session cookie.
const returnCookie = "stella-return"

// receiveAnswer handles the SAML response of an identity provider. The provider's
// page posts it from another site, so our cookies are not sent: the response is
// verified and stored, and the GET that follows applies it. The result of a trial
// is shown at once.
func (s *Server) receiveAnswer(w http.ResponseWriter, r *http.Request, f *Federation) error {
	if err := s.Logins.AdmitAnswer(r.Context(), clientAddress(r)); err != nil {
		return err
	}
	if err := readForm(r); err != nil {
		return err
	}
	response, err := spid.Open(r.PostForm.Get("SAMLResponse"))
	if err != nil {
		return s.refuseAnswer(w, r, f, workflow.Login{}, nil, err)
	}
	login, err := s.Logins.Login(r.Context(), response.InResponseTo())
	if err == nil && login.IsTest() && !s.Collaudo { // started before trials were switched off
		err = workflow.ErrUnknown
	}
	if errors.Is(err, workflow.ErrUnknown) {
		return s.refuseAnswer(w, r, f, login, response, err)
	}
	if err != nil {
		return err
	}
	assertion, err := s.verify(r, f, login, response)
	answer, err := f.answer(login, assertion, err)
	if err != nil {
		return s.refuseAnswer(w, r, f, login, response, err)
	}
	if login.IsTest() {
		return s.endTrial(w, r, f, login, response, answer, assertion)
	}
	secret, err := s.Logins.StoreAnswer(r.Context(), login.ID, answer, response.XML())
	// The login was answered before, or the response has no person's fiscal code.
	if errors.Is(err, workflow.ErrUnknown) || errors.Is(err, workflow.ErrNoPerson) {
		return s.refuseAnswer(w, r, f, login, response, err)
	}
	if err != nil {
		return err
	}
	s.logAnomaly(r, login, answer, assertion)
	http.SetCookie(w, s.cookie(returnCookie, secret, int(workflow.AnswerLife/time.Second)))
	http.Redirect(w, r, f.path()+"/return", http.StatusSeeOther)
	return nil
}

// verify checks a response against the login's request and identity provider,
// which must belong to the scheme f. If no known key verifies the signature, the
// provider may have changed its key: verify refreshes the metadata and tries again.
func (s *Server) verify(r *http.Request, f *Federation, l workflow.Login, response *spid.Response) (*spid.Assertion, error) {
	request, err := requestOf(l)
	if err != nil {
		return nil, err
	}
	check := func(p *spid.Provider) (*spid.Assertion, error) {
		if p == nil {
			return nil, fmt.Errorf("%s knows no provider %s", f.Scheme, l.Provider)
		}
		return f.Verify(response, r.PostForm.Get("RelayState"), request, p)
	}
	provider := f.Find(l.Provider, l.StartedAt)
	a, err := check(provider)
	if provider != nil && reasonOf(err) != spid.ReasonSignatureInvalid {
		return a, err
	}
	if !s.refreshProvider(r, f, l.Provider, provider) {
		return a, err
	}
	return check(f.Find(l.Provider, l.StartedAt))
}

// reasonOf returns the rule that a response breaks, or an empty string if err is
// not a *spid.Rejection.
func reasonOf(err error) spid.Reason {
	var rejection *spid.Rejection
	if errors.As(err, &rejection) {
		return rejection.Reason
	}
	return ""
}

// answer converts the result of verify to the values that are stored: the person
// that the provider asserts, or the code of the failure. It returns any other
// error unchanged.
func (f *Federation) answer(l workflow.Login, a *spid.Assertion, err error) (workflow.Answer, error) {
	var anomaly *spid.Anomaly
	switch {
	case errors.As(err, &anomaly):
		return workflow.Answer{Failure: anomaly.Code}, nil
	case reasonOf(err) == spid.ReasonLegalPerson: // the provider should have sent this anomaly itself
		return workflow.Answer{Failure: "nr30"}, nil
	case err != nil:
		return workflow.Answer{}, err
	}
	attributes := a.Attributes
	return workflow.Answer{Assertion: &workflow.Assertion{
		AssertionID:     a.ID,
		Provider:        l.Provider,
		ProviderName:    l.ProviderName,
		Level:           f.level(a.Level),
		AuthenticatedAt: a.AuthnInstant,

		Name:         attributes[spid.AttributeName],
		FamilyName:   attributes[spid.AttributeFamilyName],
		FiscalNumber: attributes[spid.AttributeFiscalNumber],
		DateOfBirth:  attributes[spid.AttributeDateOfBirth],
		PersonCode:   attributes[spid.AttributeSPIDCode],

		CompanyName:         attributes[spid.AttributeCompanyName],
		CompanyFiscalNumber: attributes[spid.AttributeCompanyFiscalNumber],
		CompanyVATNumber:    attributes[spid.AttributeIVACode],
	}}, nil
}

// logAnomaly logs problems that an operator must solve: a provider reports an
// error in our request, or signs with an expired certificate.
func (s *Server) logAnomaly(r *http.Request, l workflow.Login, answer workflow.Answer, a *spid.Assertion) {
	switch {
	case a == nil && failureCode(answer.Failure) == "technical":
		s.Log.ErrorContext(r.Context(), "an identity provider faults our request", "request", requestID(r),
			"provider", l.Provider, "code", answer.Failure)
	case a != nil && !a.CertificateExpired.IsZero():
		s.Log.WarnContext(r.Context(), "an identity provider signs with an expired certificate", "request", requestID(r),
			"provider", l.Provider, "expired", a.CertificateExpired)
	}
}

// refuseAnswer shows that the login failed, and logs why. If l is known, the
// response is archived too.
//
// If the login has already identified a person, it redirects to the current page
// instead: after a success, the browser's Back button opens the provider's page,
// which posts the response again.
func (s *Server) refuseAnswer(w http.ResponseWriter, r *http.Request, f *Federation,
	l workflow.Login, response *spid.Response, why error) error {
	again, err := s.Procedure.Answered(r.Context(), l)
	if err != nil {
		return err
	}
	if again {
		s.Log.InfoContext(r.Context(), "a login that already identified a person was answered again", "request", requestID(r), "reason", why)
		s.redirectHome(w, r, "")
		return nil
	}
	if l.ID != "" {
		if err := s.Logins.ArchiveRefused(r.Context(), l, response.XML()); err != nil {
			return err
		}
	}
	middleware.Refuse(r.Context(), "answer", why)
	code := "technical"
	switch {
	case errors.Is(why, workflow.ErrUnknown):
		code = "elsewhere"
	case reasonOf(why) == spid.ReasonLevel: // the provider should have sent this anomaly itself
		code = "nr20"
	}
	d := failureOf(f, l, code)
	// The request has no cookies, so the user is unknown. They most probably have
	// a procedure.
	d.Known = !d.Trial
	if d.Trial {
		d.Reason = string(reasonOf(why))
	}
	locale, err := s.localeOf(r.Context(), l)
	if err != nil {
		return err
	}
	s.loginFailed(w, r, templates.Page{Locale: s.locale(r, workflow.Visitor{Locale: locale})}, d)
	return nil
}

// localeOf returns the language in which the procedure of a login was last shown, or
// an empty string if it is unknown. The SAML response arrives without our cookies.
func (s *Server) localeOf(ctx context.Context, l workflow.Login) (string, error) {
	if l.ID == "" || l.IsTest() {
		return "", nil
	}
	asked, err := s.Sessions.Find(ctx, l.Session)
	if errors.Is(err, workflow.ErrUnknown) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	c, err := s.Procedure.View(ctx, asked.Visitor)
	if errors.Is(err, qualification.ErrNotOwner) {
		return asked.Visitor.Locale, nil
	}
	if err != nil {
		return "", err
	}
	return c.LocaleOf(asked.Visitor), nil
}

// returnFromLogin applies a stored response. It is a GET that changes state. If
// the login failed, it shows the page of the failure with status 403.
func (s *Server) returnFromLogin(w http.ResponseWriter, r *http.Request, f *Federation) error {
	if prefetched(r) {
		return errPrefetch
	}
	secret := s.cookieOf(r, returnCookie)
	if secret != "" {
		http.SetCookie(w, s.cookie(returnCookie, "", -1))
	}
	v, err := s.visitor(r)
	if err == nil {
		err = s.Procedure.Return(r.Context(), v, secret)
	}
	if errors.Is(err, errNoSession) || errors.Is(err, errSessionEnded) || errors.Is(err, errSwitchPending) {
		if err := s.Logins.DiscardAnswer(r.Context(), secret); err != nil {
			return err
		}
		middleware.Refuse(r.Context(), "elsewhere", nil)
		s.loginFailed(w, r, templates.Page{Locale: s.locale(r, workflow.Visitor{})}, failureOf(f, workflow.Login{}, "elsewhere"))
		return nil
	}
	var failed *qualification.LoginError
	switch {
	case err == nil:
		s.redirectHome(w, r, "")
		return nil
	case errors.As(err, &failed):
		return s.showFailure(w, r, f, failureCode(failed.Code))
	case errors.Is(err, workflow.ErrSuspended):
		return s.showFailure(w, r, f, "suspended")
	case errors.Is(err, qualification.ErrNotOwner):
		middleware.Refuse(r.Context(), "elsewhere", nil)
		return s.showFailure(w, r, f, "elsewhere")
	}
	return err
}
