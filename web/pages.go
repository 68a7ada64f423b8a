package web

import (
	"errors"
	"html/template"
	"net/http"
	"time"

	"stella/templates"
	"stella/workflow"
	"stella/workflow/contact"
	"stella/workflow/qualification"
)

// pages maps each state to the name of its page and the function that fills it.
// Only the state decides which page / shows.
var pages = map[qualification.State]struct {
	name string
	fill func(*Server, *visit, *templates.Page)
}{
	qualification.HolderChoice:     {"holder_choice", fillHolderChoice},
	qualification.Introduction:     {"introduction", nil},
	qualification.HolderInvitation: {"holder_invitation", nil},
	qualification.Invited:          {"invited", fillInvited},
	qualification.HolderKind:       {"holder_kind", fillHolder},
	qualification.CompanyData:      {"company_data", fillHolder},
	qualification.ContactData:      {"contact_data", fillContacts},
	qualification.Summary:          {"summary", fillSummary},
	qualification.Identification:   {"identification", fillIdentification},
	qualification.AtProvider:       {"at_provider", fillAtProvider},
	qualification.Identified:       {"identified", fillIdentified},
	qualification.Contract:         {"contract", fillContract},
	qualification.CodeEntry:        {"code", fillCode},
	qualification.UnderReview:      {"under_review", fillUnderReview},
	qualification.Rejected:         {"rejected", fillRejected},
	qualification.Qualified:        {"qualified", fillQualified},
	qualification.Revoked:          {"revoked", fillClosed},
	qualification.Expired:          {"expired", fillClosed},
}

// home shows the page of the state. Without a session it shows the welcome page, or
// why the session ended.
func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	v, err := s.newestVisit(r, true)
	switch {
	case errors.Is(err, errNoSession):
		s.write(w, r, http.StatusOK, "welcome", templates.Page{Locale: s.locale(r, workflow.Visitor{}), Notice: s.notice(w, r, nil)})
		return nil
	case errors.Is(err, errSessionEnded):
		s.sessionEnded(w, r, http.StatusOK, err)
		return nil
	case err != nil:
		return err
	}
	var current *workflow.Mailbox
	if v.session, current, err = s.switchSession(w, r, v.session); err != nil {
		return err
	}
	if err := s.mayView(r, v); err != nil {
		return err
	}
	if current != nil {
		s.askWhichMailbox(w, r, v, current)
		return nil
	}
	name, p := s.statePage(v)
	fillDraft(v, name, &p)
	p.Notice = s.notice(w, r, v)
	s.write(w, r, http.StatusOK, name, p)
	return nil
}

// statePage returns the name and the content of the page for the state that the
// visitor may see.
func (s *Server) statePage(v *visit) (string, templates.Page) {
	page := pages[v.c.Stage(v.visitor)]
	p := s.basePage(v)
	p.Back = v.c.MayStepBack(v.visitor)
	if page.fill != nil {
		page.fill(s, v, &p)
	}
	return page.name, p
}

// basePage returns the content that all pages of a procedure have.
func (s *Server) basePage(v *visit) templates.Page {
	q := v.c.Qualification
	p := templates.Page{
		Locale:          v.locale,
		Mailbox:         contact.Readable(v.c.Mailbox.Address),
		Leave:           true,
		Values:          map[string]string{},
		IdentifiedUntil: v.c.IdentifiedUntil(v.visitor),
		Form:            templates.Form{Qualification: q.ID.String(), Version: q.Version},
	}
	if !v.c.Stage(v.visitor).Settled() {
		p.IdleSeconds = int(workflow.SessionIdle / time.Second)
		p.SecondsLeft = seconds(v.session.ExpiresAt.Sub(s.Now()))
	}
	return p
}

func fillHolderChoice(_ *Server, v *visit, p *templates.Page) {
	data := templates.HolderChoice{}
	if i := v.c.Qualification.Invitation; i != nil && i.Declined() {
		data.Declined = contact.Readable(i.Email)
	}
	p.Data = data
}

func fillInvited(_ *Server, v *visit, p *templates.Page) {
	q := v.c.Qualification
	data := templates.Invited{
		Accepted:  q.Owner == qualification.OwnedByInvited,
		Rejected:  q.State == qualification.Rejected,
		ReturnURL: v.visitor.ReturnURL,
	}
	if i := q.Invitation; i != nil {
		data.To, data.Expires, data.Expired, data.Mail = contact.Readable(i.Email), i.ExpiresAt, i.Expired(v.c.Now), string(i.Mail)
		if !v.c.CanAct(v.visitor) { // the invited holder has accepted, and owns the case
			data.To = contact.MaskAddress(i.Email)
		}
	}
	p.Data = data
}

func fillHolder(_ *Server, v *visit, p *templates.Page) {
	d := v.c.Qualification.Declaration
	if d == nil {
		return
	}
	p.Values["intestatario"] = kindValue(d.Kind)
	p.Values["ragione_sociale"], p.Values["codice_fiscale_impresa"] = d.CompanyName, d.CompanyCode
}

func fillContacts(_ *Server, v *visit, p *templates.Page) {
	p.Values["email"] = contact.Readable(v.c.SuggestedEmail(v.visitor))
	if d := v.c.Qualification.Declaration; d != nil {
		p.Values["cellulare"] = d.Phone
	}
}

func fillSummary(_ *Server, v *visit, p *templates.Page) {
	d := v.c.Qualification.Declaration
	p.Data = templates.Summary{
		Company:     d.Kind == workflow.KindCompany,
		CompanyName: d.CompanyName,
		CompanyCode: d.CompanyCode,
		Email:       contact.Readable(d.Email),
		Phone:       d.Phone,
	}
}

func fillIdentification(s *Server, v *visit, p *templates.Page) {
	p.Data = templates.Identification{
		Company:   v.c.Qualification.Declaration.Kind == workflow.KindCompany,
		Purpose:   s.loginOptions(&s.SPID, v.c).Purpose,
		Lapsed:    v.c.LoginExpired(v.visitor),
		Begun:     v.c.Qualification.Identity == nil,
		Suspended: v.c.ProviderSuspended(),
	}
}

func fillAtProvider(s *Server, v *visit, p *templates.Page) {
	l := v.c.Qualification.Login
	f, _ := s.provider(l.Provider)
	p.Data = templates.AtProvider{Provider: l.ProviderName, CIE: f != nil && f == s.CIE, Restart: loginURL(v, l.Provider)}
}

func fillIdentified(_ *Server, v *visit, p *templates.Page) {
	q := v.c.Qualification
	code := q.Identity.FiscalNumber
	p.Data = templates.Identified{
		Name:     q.Identity.FullName(),
		CodeEnd:  code[max(0, len(code)-4):],
		Provider: q.Identity.ProviderName,
		Level:    q.Identity.Level,
		Email:    contact.Readable(q.Declaration.Email),
	}
}

func fillContract(s *Server, v *visit, p *templates.Page) {
	d := s.Procedure.Notice(v.locale)
	p.Data = templates.Contract{
		Version:  d.Version,
		Date:     d.Date,
		SHA256:   d.SHA256,
		Document: template.HTML(d.Body), // our sample or the operator's file: both are trusted
	}
}

func fillCode(s *Server, v *visit, p *templates.Page) {
	page := s.Procedure.CodePage(v.c)
	data := templates.Code{
		Status:      templates.CodeStatus(page.Status),
		To:          contact.Readable(v.c.Qualification.Declaration.Email),
		PausedUntil: wholeMinute(page.PausedUntil),
	}
	if page.Status == qualification.CodeSent {
		data.SecondsLeft = seconds(page.Expires.Sub(v.c.Now))
	}
	if !page.ResendAt.IsZero() {
		data.ResendIn = seconds(page.ResendAt.Sub(v.c.Now))
	}
	until := v.c.IdentifiedUntil(v.visitor)
	data.LoginFirst = page.ResendAt.After(until) || page.PausedUntil.After(until)
	p.Data = data
}

func fillUnderReview(_ *Server, v *visit, p *templates.Page) {
	p.Data = templates.UnderReview{Number: v.c.Qualification.Number, Own: v.c.CanAct(v.visitor)}
}

func fillRejected(_ *Server, v *visit, p *templates.Page) {
	q := v.c.Qualification
	p.Data = templates.Rejected{
		Reason:     string(q.Reason),
		Remark:     q.Remark,
		LoginAgain: v.c.MayRetryLogin(),
		Invite:     v.c.MayPassOn(v.visitor),
		Invited:    v.visitor.Invited(),
	}
}

func fillQualified(_ *Server, v *visit, p *templates.Page) {
	q := v.c.Qualification
	p.Data = templates.Qualified{Number: q.Number, Level: q.Identity.Level, Notice: q.Notice,
		Closed: templates.Closed{Since: q.SteppedAt, ReturnURL: v.visitor.ReturnURL}}
}

func fillClosed(_ *Server, v *visit, p *templates.Page) {
	p.Data = templates.Closed{Since: v.c.Qualification.SteppedAt, ReturnURL: v.visitor.ReturnURL}
}
