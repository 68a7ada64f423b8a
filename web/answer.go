package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"stella/request"
	"stella/spid"
	"stella/templates"
	"stella/workflow"
)

// returnCookie carries the one-time secret of a parked answer from the endpoint
// that took it to the page that applies it. Unlike the session's cookie it is
// set by the answer itself, so that both meet only in the browser that asked.
const returnCookie = "stella-return"

// receiveAnswer takes the answer of an identity provider. It is posted by
// another site, so that no cookie of ours comes with it: the answer is
// verified and parked, and applied by the GET that follows. The answer to a
// trial is told at once.
func (s *Server) receiveAnswer(w http.ResponseWriter, r *http.Request, f *Federation) error {
	if err := s.Procedure.AdmitAnswer(r.Context(), s.ClientAddress(r)); err != nil {
		return err
	}
	if err := readForm(r); err != nil {
		return err
	}
	response, err := spid.Open(r.PostForm.Get("SAMLResponse"))
	if err != nil {
		return s.refuseAnswer(w, r, f, workflow.Login{}, nil, err)
	}
	login, err := s.Procedure.Login(r.Context(), response.InResponseTo())
	if err == nil && login.Trial() && !s.Collaudo { // begun while testers were let in
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
	if login.Trial() {
		return s.endTrial(w, r, f, login, response, answer, assertion)
	}
	secret, err := s.Procedure.ParkAnswer(r.Context(), login.ID, answer, response.XML())
	if errors.Is(err, workflow.ErrUnknown) || errors.Is(err, workflow.ErrNoPerson) { // answered before, or by nobody
		return s.refuseAnswer(w, r, f, login, response, err)
	}
	if err != nil {
		return err
	}
	s.remark(r, login, answer, assertion)
	http.SetCookie(w, s.cookie(returnCookie, secret, int(workflow.AnswerLife/time.Second)))
	http.Redirect(w, r, f.path()+"/return", http.StatusSeeOther)
	return nil
}

// verify checks an answer against the request and the provider that was asked,
// which must be one of the scheme's. If no key verifies it, the provider may
// have a new one that we have not heard of.
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
	if !s.renewed(r, f, l.Provider, provider) {
		return a, err
	}
	return check(f.Find(l.Provider, l.StartedAt))
}

// reasonOf is the rule that does not hold, or empty if the error is none of a rule.
func reasonOf(err error) spid.Reason {
	var no *spid.Rejection
	if errors.As(err, &no) {
		return no.Reason
	}
	return ""
}

// answer is what is kept of what a provider said: whom it asserts, or why it
// does not. Any other error is returned as it is.
func (f *Federation) answer(l workflow.Login, a *spid.Assertion, err error) (workflow.Answer, error) {
	var anomaly *spid.Anomaly
	switch {
	case errors.As(err, &anomaly):
		return workflow.Answer{Failure: anomaly.Code}, nil
	case reasonOf(err) == spid.ReasonLegalPerson: // the provider should have said so
		return workflow.Answer{Failure: "nr30"}, nil
	case err != nil:
		return workflow.Answer{}, err
	}
	has := a.Attributes
	return workflow.Answer{Assertion: &workflow.Assertion{AssertionID: a.ID, Provider: l.Provider, ProviderName: l.ProviderName,
		Level: f.level(a.Level), AuthenticatedAt: a.AuthnInstant,
		Name: has[spid.AttributeName], FamilyName: has[spid.AttributeFamilyName],
		FiscalNumber: has[spid.AttributeFiscalNumber], DateOfBirth: has[spid.AttributeDateOfBirth], PersonCode: has[spid.AttributeSPIDCode],
		CompanyName: has[spid.AttributeCompanyName], CompanyFiscalNumber: has[spid.AttributeCompanyFiscalNumber],
		CompanyVATNumber: has[spid.AttributeIVACode]}}, nil
}

// remark logs problems that the operator must fix: what a provider finds wrong
// with our request, and a certificate that a provider should have changed.
func (s *Server) remark(r *http.Request, l workflow.Login, answer workflow.Answer, a *spid.Assertion) {
	switch {
	case a == nil && failureCode(answer.Failure) == "technical":
		s.Log.ErrorContext(r.Context(), "an identity provider faults our request", "request", requestID(r),
			"provider", l.Provider, "code", answer.Failure)
	case a != nil && !a.CertificateExpired.IsZero():
		s.Log.WarnContext(r.Context(), "an identity provider signs with an expired certificate", "request", requestID(r),
			"provider", l.Provider, "expired", a.CertificateExpired)
	}
}

// refuseAnswer tells the person that nothing came of the login, and the log why.
// What names a request of ours is archived all the same.
//
// An answer to a login that has identified somebody is no fault of theirs: after
// a success Back leads to the provider's page, which posts it again. They see
// where they are.
func (s *Server) refuseAnswer(w http.ResponseWriter, r *http.Request, f *Federation, l workflow.Login, response *spid.Response, why error) error {
	again, err := s.Procedure.Answered(r.Context(), l)
	if err != nil {
		return err
	}
	if again {
		s.Log.InfoContext(r.Context(), "a login that has identified somebody was answered again", "request", requestID(r), "reason", why)
		s.redirectHome(w, r, "")
		return nil
	}
	if l.ID != "" {
		if err := s.Procedure.KeepRefused(r.Context(), l, response.XML()); err != nil {
			return err
		}
	}
	request.Refuse(r.Context(), "answer", why)
	code := "technical"
	switch {
	case errors.Is(why, workflow.ErrUnknown):
		code = "elsewhere"
	case reasonOf(why) == spid.ReasonLevel: // another word for what the provider should have said
		code = "nr20"
	}
	d := failureOf(f, l, code)
	// The request has no cookie, so the user is unknown; most probably it is
	// somebody who has a procedure.
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
	if l.ID == "" || l.Trial() {
		return "", nil
	}
	asked, err := s.Procedure.Session(ctx, l.Session)
	if errors.Is(err, workflow.ErrUnknown) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	c, err := s.Procedure.View(ctx, asked.Visitor)
	if errors.Is(err, workflow.ErrElsewhere) {
		return asked.Visitor.Locale, nil
	}
	if err != nil {
		return "", err
	}
	return c.LocaleOf(asked.Visitor), nil
}

// returnFromLogin applies a parked answer: a GET that acts. A login that failed
// ends here, with its page and a status that says so.
func (s *Server) returnFromLogin(w http.ResponseWriter, r *http.Request, f *Federation) error {
	if prefetched(r) {
		return errPrefetch
	}
	secret := s.cookieOf(r, returnCookie)
	if secret != "" {
		http.SetCookie(w, s.cookie(returnCookie, "", -1))
	}
	v, _, err := s.visitor(r)
	if errors.Is(err, errNoSession) || errors.Is(err, errSessionEnded) || errors.Is(err, errUnsettled) {
		if err := s.Procedure.DiscardAnswer(r.Context(), secret); err != nil {
			return err
		}
		request.Refuse(r.Context(), "elsewhere", nil)
		s.loginFailed(w, r, templates.Page{Locale: s.locale(r, v)}, failureOf(f, workflow.Login{}, "elsewhere"))
		return nil
	}
	if err != nil {
		return err
	}
	err = s.Procedure.Return(r.Context(), v, secret)
	var failed *workflow.LoginError
	switch {
	case err == nil:
		s.redirectHome(w, r, "")
		return nil
	case errors.As(err, &failed):
		return s.showFailure(w, r, f, failureCode(failed.Code))
	case errors.Is(err, workflow.ErrSuspended):
		return s.showFailure(w, r, f, "suspended")
	case errors.Is(err, workflow.ErrElsewhere):
		request.Refuse(r.Context(), "elsewhere", nil)
		return s.showFailure(w, r, f, "elsewhere")
	}
	return err
}
