package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"stella/request"
	"stella/templates"
	"stella/workflow"
)

// form is one form of the pages: the event it fires, and the notice of the
// page that follows. It stands on the page of its state, or on one of its own,
// which may be opened in one state.
type form struct {
	fire   fire
	notice string
	page   string
	state  workflow.State
	fill   func(*Server, *visit, *templates.Page)
}

type (
	procedure = workflow.Procedure
	visitor   = workflow.Visitor
	fire      func(p *procedure, ctx context.Context, v visitor, f workflow.Form, in url.Values) error
)

// forms are all that people can send us, by path.
var forms = map[string]form{
	"/scelta":                 {fire: chooseRole},
	"/introduzione":           {fire: plain((*procedure).Begin)},
	"/indietro":               {fire: plain((*procedure).StepBack)},
	"/invito":                 {fire: with((*procedure).Invite, "email"), notice: "invited"},
	"/invito/annulla":         {fire: plain((*procedure).Withdraw), notice: "withdrawn"},
	"/invito/intestatario":    {fire: plain((*procedure).TakeBack)},
	"/intestatario":           {fire: chooseKind},
	"/impresa":                {fire: withBoth((*procedure).EnterCompany, "ragione_sociale", "codice_fiscale_impresa")},
	"/contatti":               {fire: withBoth((*procedure).EnterContacts, "email", "cellulare")},
	"/riepilogo":              {fire: plain((*procedure).ConfirmData)},
	"/riepilogo/intestatario": {fire: correctHolder, notice: "saved", page: "edit_holder", state: workflow.Summary, fill: fillHolder},
	"/riepilogo/contatti":     editContacts("/riepilogo/contatti", workflow.Summary, (*procedure).CorrectContacts),
	"/identita":               {fire: plain((*procedure).ConfirmIdentity)},
	"/identita/altra":         {fire: plain((*procedure).DisownIdentity)},
	"/identita/contatti":      editContacts("/identita/contatti", workflow.Identified, (*procedure).RedirectCode),
	"/informativa":            {fire: with((*procedure).AcknowledgeContract, "sha256")},
	"/codice":                 {fire: with((*procedure).TypeCode, "codice")},
	"/codice/invia":           {fire: plain((*procedure).RequestCode), notice: "code_sent"},
	"/codice/contatti":        editContacts("/codice/contatti", workflow.CodeEntry, (*procedure).RedirectCode),
	"/riprova":                {fire: plain((*procedure).Retry)},
	"/riprova/identita":       {fire: plain((*procedure).RetryLogin)},
	"/riprova/invito":         {fire: plain((*procedure).PassOn)},
}

// plain fires an event that has no input.
func plain(step func(*procedure, context.Context, visitor, workflow.Form) error) fire {
	return func(p *procedure, ctx context.Context, v visitor, f workflow.Form, _ url.Values) error {
		return step(p, ctx, v, f)
	}
}

// with fires an event with what was typed in one field.
func with(step func(*procedure, context.Context, visitor, workflow.Form, string) error, field string) fire {
	return func(p *procedure, ctx context.Context, v visitor, f workflow.Form, in url.Values) error {
		return step(p, ctx, v, f, in.Get(field))
	}
}

// withBoth fires an event with what was typed in two fields.
func withBoth(step func(*procedure, context.Context, visitor, workflow.Form, string, string) error, first, second string) fire {
	return func(p *procedure, ctx context.Context, v visitor, f workflow.Form, in url.Values) error {
		return step(p, ctx, v, f, in.Get(first), in.Get(second))
	}
}

func chooseRole(p *procedure, ctx context.Context, v visitor, f workflow.Form, in url.Values) error {
	roles := map[string]workflow.Role{"si": workflow.Holder, "no": workflow.Delegate}
	return p.ChooseRole(ctx, v, f, roles[in.Get("ruolo")])
}

func chooseKind(p *procedure, ctx context.Context, v visitor, f workflow.Form, in url.Values) error {
	return p.ChooseKind(ctx, v, f, kindOf(in.Get("intestatario")))
}

func correctHolder(p *procedure, ctx context.Context, v visitor, f workflow.Form, in url.Values) error {
	return p.CorrectHolder(ctx, v, f, kindOf(in.Get("intestatario")), in.Get("ragione_sociale"), in.Get("codice_fiscale_impresa"))
}

// editContacts is the same form in the three states that show the contacts.
func editContacts(path string, in workflow.State, step func(*procedure, context.Context, visitor, workflow.Form, string, string) error) form {
	return form{fire: withBoth(step, "email", "cellulare"), notice: "saved",
		page: "edit_contacts", state: in, fill: func(s *Server, v *visit, p *templates.Page) {
			fillContacts(s, v, p)
			data := templates.EditContacts{Action: path}
			if in == workflow.CodeEntry {
				data.CodeAt = wholeMinute(s.Procedure.CodePage(v.c).RedirectAt)
			}
			p.Opener, p.Data = pages[in].name, data
		}}
}

// form handles a form: it fires the event and leads to the page of the state.
// Wrong input is answered by the same page, with what was typed.
func (s *Server) form(f form) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := readForm(r); err != nil {
			return err
		}
		visitor, now, err := s.visitor(r)
		if err != nil {
			return s.keepDraft(r, err)
		}
		err = f.fire(s.Procedure, r.Context(), visitor, formOf(r.PostForm), r.PostForm)
		var stale workflow.StaleError
		var input *workflow.InputError
		var code *workflow.CodeError
		var limit *workflow.LimitError
		switch {
		case err == nil:
			if err := s.dropDraft(r, now); err != nil {
				return err
			}
			s.redirectHome(w, r, f.notice)
		case errors.As(err, &stale) && stale.Repeated:
			s.redirectHome(w, r, "")
		case errors.As(err, &stale) && stale.Changed:
			s.redirectHome(w, r, "changed")
		case errors.As(err, &stale), errors.Is(err, workflow.ErrNotAllowed):
			s.redirectHome(w, r, "moved_on")
		case errors.Is(err, workflow.ErrElsewhere) && !errors.As(err, new(*workflow.InvitationError)):
			// A delegate, once the invited holder has accepted: / shows what they may see.
			s.redirectHome(w, r, "moved_on")
		case errors.Is(err, workflow.ErrLapsed):
			s.redirectHome(w, r, "lapsed")
		case errors.Is(err, workflow.ErrContractChanged):
			s.redirectHome(w, r, "contract_changed")
		case errors.As(err, &input):
			return s.showFaults(w, r, f, http.StatusUnprocessableEntity, fieldErrors(input, s.Now()))
		case errors.As(err, &code):
			return s.showFaults(w, r, f, http.StatusUnprocessableEntity, []templates.FieldError{codeFault(code, s.Now())})
		case errors.As(err, &limit):
			s.setRetryAfter(w, limit)
			request.Refuse(r.Context(), limit.Limit, nil)
			return s.showFaults(w, r, f, http.StatusTooManyRequests, []templates.FieldError{limitFault(limit, s.Now())})
		default:
			return err
		}
		return nil
	}
}

// showFaults shows the form's page again, with what was typed and what is wrong.
func (s *Server) showFaults(w http.ResponseWriter, r *http.Request, f form, status int, errs []templates.FieldError) error {
	v, err := s.visit(r)
	if err != nil {
		return err
	}
	name, p := s.pageOf(f, v)
	for field := range r.PostForm {
		if field != "codice" { // a code is typed anew
			p.Values[field] = r.PostForm.Get(field)
		}
	}
	p.Errors = errs
	s.write(w, r, status, name, p)
	return nil
}

// formPage shows a form that has a page of its own, in the states it is for;
// every other form is on the page of its state.
func (s *Server) formPage(f form) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := s.visit(r)
		if err != nil {
			return err
		}
		if f.page == "" || v.c.Stage(v.visitor) != f.state {
			s.redirectHome(w, r, "")
			return nil
		}
		name, p := s.pageOf(f, v)
		fillDraft(v, name, &p)
		s.write(w, r, http.StatusOK, name, p)
		return nil
	}
}

func (s *Server) pageOf(f form, v *visit) (string, templates.Page) {
	if f.page == "" || v.c.Stage(v.visitor) != f.state {
		return s.statePage(v)
	}
	p := s.basePage(v)
	f.fill(s, v, &p)
	return f.page, p
}
