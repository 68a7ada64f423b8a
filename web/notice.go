package web

import (
	"net/http"
	"slices"

	"stella/workflow"
)

// noticeCookie carries a notice to the page that follows a form. It is a cookie
// of its own: the notice of leaving comes when the session is over, and a write
// to the session could revive one that ended meanwhile.
const noticeCookie = "stella-notice"

// noticeLife is for how many seconds a notice waits for its page.
const noticeLife = 60

// notices are the notices that / may show, each with where it is true. The
// visit is nil if there is no session.
var notices = map[string]func(*Server, *visit) bool{
	"moved_on":         anywhere,
	"changed":          shownIn(workflow.Summary, workflow.Identified, workflow.CodeEntry),
	"saved":            shownIn(workflow.Summary, workflow.Identified, workflow.CodeEntry),
	"code_sent":        (*Server).codeSent,
	"invited":          (*Server).invitationSent,
	"withdrawn":        shownIn(workflow.HolderChoice),
	"contract_changed": shownIn(workflow.Contract),
	"lapsed":           shownIn(workflow.Identification),
	"left":             nowhere,
	"left_invited":     nowhere,
	"left_finished":    nowhere,
}

func nowhere(_ *Server, v *visit) bool { return v == nil }

func anywhere(_ *Server, v *visit) bool { return v != nil }

func shownIn(states ...workflow.State) func(*Server, *visit) bool {
	return func(_ *Server, v *visit) bool {
		return v != nil && v.c.Owns(v.visitor) && slices.Contains(states, v.c.Stage(v.visitor))
	}
}

// codeSent reports whether the relay has taken the newest code and its time runs.
func (s *Server) codeSent(v *visit) bool {
	return shownIn(workflow.CodeEntry)(s, v) && s.Procedure.CodePage(v.c).Status == workflow.CodeSent
}

// invitationSent reports whether the relay has taken the mail of the invitation.
func (s *Server) invitationSent(v *visit) bool {
	return shownIn(workflow.Invited)(s, v) && v.c.Qualification.Invitation.Mail == workflow.MailAccepted
}

// redirectHome leads to the page of the state, whatever it is by now, with a
// notice that is shown there once; empty for none.
func (s *Server) redirectHome(w http.ResponseWriter, r *http.Request, notice string) {
	if notice != "" {
		http.SetCookie(w, s.cookie(noticeCookie, notice, noticeLife))
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// notice takes the notice that waits for this page, and returns the id of its
// text; empty if there is none, or if it is not true here.
func (s *Server) notice(w http.ResponseWriter, r *http.Request, v *visit) string {
	notice := s.cookieOf(r, noticeCookie)
	if notice == "" {
		return ""
	}
	http.SetCookie(w, s.cookie(noticeCookie, "", -1))
	if fits := notices[notice]; fits != nil && fits(s, v) {
		return "notice_" + notice
	}
	return ""
}
