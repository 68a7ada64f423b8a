package web

import (
	"net/http"

	"stella/request"
	"stella/spid"
)

// logout ends the session of this browser because an identity provider asks for
// it, and sends the browser back with the answer. The answer is the same if
// there is no session, or never was (SPID technical rules, "Single Logout").
//
// It is a GET that acts. What binds it is the provider's signature over a
// request that was made for us minutes ago at most; a replayed request can only
// end the session, as Esci does. Nothing that was entered is lost.
func (s *Server) logout(w http.ResponseWriter, r *http.Request, f *Federation) error {
	if prefetched(r) {
		request.Refuse(r.Context(), "prefetch", nil)
		return errLogout
	}
	if err := s.Procedure.AdmitLogout(r.Context(), s.ClientAddress(r)); err != nil {
		return err
	}
	if r.URL.Query().Has("SAMLResponse") { // to a request that we never make
		s.redirectHome(w, r, "")
		return nil
	}
	location, p, err := f.AnswerLogout(r.URL.RawQuery, f.Providers().Find)
	if reasonOf(err) == spid.ReasonSignatureInvalid && s.renewed(r, f, p.EntityID, p) {
		location, _, err = f.AnswerLogout(r.URL.RawQuery, f.Providers().Find)
	}
	unanswered := reasonOf(err) == spid.ReasonLogoutService // asked in earnest, as CIE does, by who takes no answer
	if err != nil && !unanswered {
		request.Refuse(r.Context(), "logout", err)
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
