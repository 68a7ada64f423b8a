package web

import (
	"encoding/json"
	"errors"
	"net/http"

	"stella/templates"
	"stella/workflow"
	"stella/workflow/contact"
	"stella/workflow/qualification"
)

// showInvitation shows the page behind the link of an invitation. It changes
// nothing.
func (s *Server) showInvitation(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Procedure.Invitation(r.Context(), r.PathValue("token"))
	if err != nil {
		return s.invitationFault(w, r, err)
	}
	q := c.Qualification
	s.write(w, r, http.StatusOK, "invitation", templates.Page{
		Locale:  s.Templates.Locale(s.chosenLanguage(r), r.Header.Get("Accept-Language"), q.Locale),
		Mailbox: contact.Readable(c.Mailbox.Address),
		Values:  map[string]string{"decline": r.URL.Path + "/rifiuta"},
		Form:    templates.Form{Qualification: q.ID.String(), Version: q.Version},
		Data: templates.Invitation{
			Mailbox: contact.Readable(c.Mailbox.Address),
			Holder:  workflow.MaskName(c.Mailbox.Record.Name),
			Sent:    q.Invitation.SentAt,
			Expires: q.Invitation.ExpiresAt,
			Resume:  q.Invitation.Accepted(),
		},
	})
	return nil
}

// acceptInvitation starts a session for the invited holder in their own browser.
func (s *Server) acceptInvitation(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	// The form contains the language in which the page was shown.
	locale := s.locale(r, workflow.Visitor{Locale: r.PostForm.Get(templates.LanguageParameter)})
	v, err := s.Procedure.AcceptInvitation(r.Context(), r.PathValue("token"), locale, clientAddress(r), requestID(r))
	if err != nil {
		return s.invitationFault(w, r, err)
	}
	if err := s.startSession(w, r, v, newSecret()); err != nil {
		return err
	}
	s.redirectHome(w, r, "")
	return nil
}

func (s *Server) declineInvitation(w http.ResponseWriter, r *http.Request) error {
	err := s.Procedure.DeclineInvitation(r.Context(), r.PathValue("token"), clientAddress(r), requestID(r))
	if err != nil && !errors.Is(err, qualification.ErrNotAllowed) { // ErrNotAllowed: it was accepted
		return s.invitationFault(w, r, err)
	}
	// The link's page shows the result.
	http.Redirect(w, r, "/invito/"+r.PathValue("token"), http.StatusSeeOther)
	return nil
}

func (s *Server) invitationFault(w http.ResponseWriter, r *http.Request, err error) error {
	if !errors.Is(err, workflow.ErrUnknown) {
		return err // fault handles an *workflow.InvitationError
	}
	s.write(w, r, http.StatusNotFound, "invitation_ended",
		templates.Page{Locale: s.locale(r, workflow.Visitor{}), Data: templates.Ended{Why: "unknown"}})
	return nil
}

// invitationEnded shows why an invitation is no longer valid. A user sees it who
// opens the link, or whose session was started by the invitation.
func (s *Server) invitationEnded(w http.ResponseWriter, r *http.Request, e *qualification.InvitationError) {
	s.write(w, r, http.StatusGone, "invitation_ended",
		templates.Page{Locale: s.locale(r, workflow.Visitor{}), Data: templates.Ended{Why: e.Why}})
}

// invitationStatus returns the status of the invitation's mail as JSON, for the
// script of the page. The status is "" if the page no longer shows an invitation.
func (s *Server) invitationStatus(w http.ResponseWriter, r *http.Request) error {
	var answer struct {
		Mail workflow.MailOutcome `json:"mail"`
	}
	v, err := s.peek(r)
	switch {
	case err == nil && v.c.Stage(v.visitor) == qualification.Invited && v.c.CanAct(v.visitor):
		answer.Mail = v.c.Qualification.Invitation.Mail
	case err != nil && !hasNoCase(err):
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}
