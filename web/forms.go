package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"stella/middleware"
	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

// form is an HTML form and the event that it fires. It is part of the page of a
// state, or has its own page, which can be opened in one state.
type form struct {
	fire   fire
	notice string                                 // shown on the page that follows; "" for none
	page   string                                 // the form's own page; "" if it is part of a state's page
	state  qualification.State                    // in which page can be opened
	fill   func(*Server, *visit, *templates.Page) // fills page
}

type (
	procedure = qualification.Procedure
	visitor   = workflow.Visitor
	fire      func(p *procedure, ctx context.Context, v visitor, f qualification.Form, in url.Values) error
)

// forms lists the forms of the procedure, by path.
var forms = map[string]form{
	"/scelta":                 {fire: chooseRole},
	"/introduzione":           {fire: withoutInput((*procedure).Begin)},
	"/indietro":               {fire: withoutInput((*procedure).StepBack)},
	"/invito":                 {fire: withField((*procedure).Invite, "email"), notice: "invited"},
	"/invito/annulla":         {fire: withoutInput((*procedure).Withdraw), notice: "withdrawn"},
	"/invito/intestatario":    {fire: withoutInput((*procedure).TakeBack)},
	"/intestatario":           {fire: chooseKind},
	"/impresa":                {fire: withFields((*procedure).EnterCompany, "ragione_sociale", "codice_fiscale_impresa")},
	"/contatti":               {fire: withFields((*procedure).EnterContacts, "email", "cellulare")},
	"/riepilogo":              {fire: withoutInput((*procedure).ConfirmData)},
	"/riepilogo/intestatario": {fire: correctHolder, notice: "saved", page: "edit_holder", state: qualification.Summary, fill: fillHolder},
	"/riepilogo/contatti":     editContacts("/riepilogo/contatti", qualification.Summary, (*procedure).CorrectContacts),
	"/identita":               {fire: withoutInput((*procedure).ConfirmIdentity)},
	"/identita/altra":         {fire: withoutInput((*procedure).DisownIdentity)},
	"/identita/contatti":      editContacts("/identita/contatti", qualification.Identified, (*procedure).RedirectCode),
	"/informativa":            {fire: withField((*procedure).AcknowledgeContract, "sha256")},
	"/codice":                 {fire: withField((*procedure).TypeCode, "codice")},
	"/codice/invia":           {fire: withoutInput((*procedure).RequestCode), notice: "code_sent"},
	"/codice/contatti":        editContacts("/codice/contatti", qualification.CodeEntry, (*procedure).RedirectCode),
	"/riprova":                {fire: withoutInput((*procedure).Retry)},
	"/riprova/identita":       {fire: withoutInput((*procedure).RetryLogin)},
	"/riprova/invito":         {fire: withoutInput((*procedure).PassOn)},
}

// withoutInput fires an event that has no input.
func withoutInput(step func(*procedure, context.Context, visitor, qualification.Form) error) fire {
	return func(p *procedure, ctx context.Context, v visitor, f qualification.Form, _ url.Values) error {
		return step(p, ctx, v, f)
	}
}

// withField fires an event with the value of one field.
func withField(step func(*procedure, context.Context, visitor, qualification.Form, string) error, field string) fire {
	return func(p *procedure, ctx context.Context, v visitor, f qualification.Form, in url.Values) error {
		return step(p, ctx, v, f, in.Get(field))
	}
}

// withFields fires an event with the values of two fields.
func withFields(step func(*procedure, context.Context, visitor, qualification.Form, string, string) error, first, second string) fire {
	return func(p *procedure, ctx context.Context, v visitor, f qualification.Form, in url.Values) error {
		return step(p, ctx, v, f, in.Get(first), in.Get(second))
	}
}

func chooseRole(p *procedure, ctx context.Context, v visitor, f qualification.Form, in url.Values) error {
	roles := map[string]qualification.Role{"si": qualification.Holder, "no": qualification.Delegate}
	return p.ChooseRole(ctx, v, f, roles[in.Get("ruolo")])
}

func chooseKind(p *procedure, ctx context.Context, v visitor, f qualification.Form, in url.Values) error {
	return p.ChooseKind(ctx, v, f, kindOf(in.Get("intestatario")))
}

func correctHolder(p *procedure, ctx context.Context, v visitor, f qualification.Form, in url.Values) error {
	return p.CorrectHolder(ctx, v, f, kindOf(in.Get("intestatario")), in.Get("ragione_sociale"), in.Get("codice_fiscale_impresa"))
}

// editContacts returns the form for the contacts, which is the same in three states.
func editContacts(path string, in qualification.State,
	step func(*procedure, context.Context, visitor, qualification.Form, string, string) error) form {
	return form{
		fire:   withFields(step, "email", "cellulare"),
		notice: "saved",
		page:   "edit_contacts",
		state:  in,
		fill: func(s *Server, v *visit, p *templates.Page) {
			fillContacts(s, v, p)
			data := templates.EditContacts{Action: path}
			if in == qualification.CodeEntry {
				data.CodeAt = wholeMinute(s.Procedure.CodePage(v.c).RedirectAt)
			}
			p.Opener, p.Data = pages[in].name, data
		},
	}
}

// formNotices lists the errors of a form after which the page of the stored state follows,
// with a notice; "" is none.
var formNotices = []struct {
	matches func(error) bool
	notice  string
}{
	{isStale(func(e qualification.StaleError) bool { return e.Repeated }), ""},
	{isStale(func(e qualification.StaleError) bool { return e.Changed }), "changed"},
	{isStale(func(qualification.StaleError) bool { return true }), "moved_on"},
	{is(qualification.ErrNotAllowed), "moved_on"},
	{isDelegate, "moved_on"},
	{is(qualification.ErrLoginExpired), "lapsed"},
	{is(qualification.ErrContractChanged), "contract_changed"},
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func isStale(which func(qualification.StaleError) bool) func(error) bool {
	return func(err error) bool {
		var stale qualification.StaleError
		return errors.As(err, &stale) && which(stale)
	}
}

// isDelegate reports whether the error is for a delegate, after the invited holder has
// accepted. They may still see /.
func isDelegate(err error) bool {
	return errors.Is(err, qualification.ErrNotOwner) && !errors.As(err, new(*qualification.InvitationError))
}

// inputErrors returns the messages of an error that the form's page shows, and the
// status of the response.
func (s *Server) inputErrors(err error) (int, []templates.FieldError) {
	var input *workflow.InputError
	var code *qualification.CodeError
	var limit *workflow.LimitError
	switch {
	case errors.As(err, &input):
		return http.StatusUnprocessableEntity, fieldErrors(input, s.Now())
	case errors.As(err, &code):
		return http.StatusUnprocessableEntity, []templates.FieldError{codeFault(code, s.Now())}
	case errors.As(err, &limit):
		return http.StatusTooManyRequests, []templates.FieldError{limitFault(limit, s.Now())}
	}
	return 0, nil
}

// form returns the handler of a form. It fires the event and redirects to the page
// of the new state. If the input is wrong, it shows the same page again with the
// input and the errors.
func (s *Server) form(f form) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := readForm(r); err != nil {
			return err
		}
		visitor, err := s.visitor(r)
		if err == nil {
			err = f.fire(s.Procedure, r.Context(), visitor, formOf(r.PostForm), r.PostForm)
		}
		switch {
		case err == nil:
			s.redirectHome(w, r, f.notice)
			return nil
		case errors.Is(err, errSessionEnded):
			return s.keepDraft(r, err)
		}
		for _, n := range formNotices {
			if n.matches(err) {
				s.redirectHome(w, r, n.notice)
				return nil
			}
		}
		status, messages := s.inputErrors(err)
		if messages == nil {
			return err
		}
		s.setRetryAfter(w, err)
		if reason := s.faultOf(err).reason; reason != "" {
			middleware.Refuse(r.Context(), reason, nil)
		}
		return s.keepDraft(r, s.showFaults(w, r, f, status, messages))
	}
}

// showFaults shows the form's page again, with the input and the errors.
func (s *Server) showFaults(w http.ResponseWriter, r *http.Request, f form, status int, errs []templates.FieldError) error {
	v, err := s.visit(r)
	if err != nil {
		return err
	}
	name, p := s.pageOf(f, v)
	for field := range r.PostForm {
		if field != "codice" { // the user types a code again
			p.Values[field] = r.PostForm.Get(field)
		}
	}
	p.Errors = errs
	s.write(w, r, status, name, p)
	return nil
}

// formPage returns the handler that shows a form's own page. It redirects to / if
// the form has no page or the case is in another state.
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
