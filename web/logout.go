package web

import (
	"net/http"

	"stella/middleware"
	"stella/spid"
)

// logout ends the session of the browser at the request of an identity provider,
// and redirects to the provider with the response. The response is the same if
// there is no session (SPID technical rules, "Single Logout").
//
// It is a GET that changes state. The request is signed by the provider, names us
// as its destination and expires after a few minutes. A replay can only end the
// session, as the button Esci does; stored data are kept.
func (s *Server) logout(w http.ResponseWriter, r *http.Request, f *Federation) error {
	if prefetched(r) {
		middleware.Refuse(r.Context(), "prefetch", nil)
		return errLogout
	}
	if err := s.Logins.AdmitLogout(r.Context(), clientAddress(r)); err != nil {
		return err
	}
	if r.URL.Query().Has("SAMLResponse") { // a response, but we never send logout requests
		s.redirectHome(w, r, "")
		return nil
	}
	location, p, err := f.AnswerLogout(r.URL.RawQuery, f.Providers().Find)
	if reasonOf(err) == spid.ReasonSignatureInvalid && s.refreshProvider(r, f, p.EntityID, p) {
		location, _, err = f.AnswerLogout(r.URL.RawQuery, f.Providers().Find)
	}
	// The request is valid, but the provider has no endpoint for the response. CIE has none.
	unanswered := reasonOf(err) == spid.ReasonLogoutService
	if err != nil && !unanswered {
		middleware.Refuse(r.Context(), "logout", err)
		return errLogout
	}
	notice, err := s.endSession(w, r)
	if err != nil {
		return err
	}
	if unanswered {
		s.redirectHome(w, r, notice)
		return nil
	}
	http.Redirect(w, r, location, http.StatusFound)
	return nil
}
