package web

import (
	"net/http"
	"slices"

	"stella/workflow"
	"stella/workflow/qualification"
)

// noticeCookie carries a notice to the page that follows a form. It is not part of
// the session, because the notices about leaving are shown when the session has
// ended.
const noticeCookie = "stella-notice"

// noticeMaxAge is the Max-Age of noticeCookie, in seconds.
const noticeMaxAge = 60

// notices lists the notices that / may show. The function reports whether the
// notice is true for a visit, which is nil without a session.
var notices = map[string]func(*Server, *visit) bool{
	"moved_on":         inProcedure,
	"changed":          shownIn(qualification.Summary, qualification.Identified, qualification.CodeEntry),
	"saved":            shownIn(qualification.Summary, qualification.Identified, qualification.CodeEntry),
	"code_sent":        (*Server).codeSent,
	"invited":          (*Server).invitationSent,
	"withdrawn":        shownIn(qualification.HolderChoice),
	"contract_changed": shownIn(qualification.Contract),
	"lapsed":           shownIn(qualification.Identification),
	"left":             withoutSession,
	"left_invited":     withoutSession,
	"left_finished":    withoutSession,
}

func withoutSession(_ *Server, v *visit) bool { return v == nil }

func inProcedure(_ *Server, v *visit) bool { return v != nil }

func shownIn(states ...qualification.State) func(*Server, *visit) bool {
	return func(_ *Server, v *visit) bool {
		return v != nil && v.c.CanAct(v.visitor) && slices.Contains(states, v.c.Stage(v.visitor))
	}
}

// codeSent reports whether the relay has accepted the mail with the newest code,
// and the code has not expired.
func (s *Server) codeSent(v *visit) bool {
	return shownIn(qualification.CodeEntry)(s, v) && s.Procedure.CodePage(v.c).Status == qualification.CodeSent
}

// invitationSent reports whether the relay has accepted the invitation's mail.
func (s *Server) invitationSent(v *visit) bool {
	return shownIn(qualification.Invited)(s, v) && v.c.Qualification.Invitation.Mail == workflow.MailAccepted
}

// redirectHome redirects to /, which shows the page of the current state. notice,
// if not empty, is shown there once.
func (s *Server) redirectHome(w http.ResponseWriter, r *http.Request, notice string) {
	if notice != "" {
		http.SetCookie(w, s.cookie(noticeCookie, notice, noticeMaxAge))
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// notice reads and deletes the notice cookie. It returns the message ID of the
// notice, or an empty string if there is none or it is not true for this visit.
func (s *Server) notice(w http.ResponseWriter, r *http.Request, v *visit) string {
	notice := s.cookieOf(r, noticeCookie)
	if notice == "" {
		return ""
	}
	http.SetCookie(w, s.cookie(noticeCookie, "", -1))
	if applies := notices[notice]; applies != nil && applies(s, v) {
		return "notice_" + notice
	}
	return ""
}
