package templates

import (
	"slices"
	"sync"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 21, 13, 5, 30, 0, time.UTC)

var site = Site{
	Provider:         "Posta Esempio",
	Service:          "PEC Esempio",
	WebmailURL:       "https://webmail.example/",
	PrivacyURL:       "https://posta.example/privacy",
	AccessibilityURL: "https://posta.example/accessibilita",
	HelpURL:          "https://posta.example/aiuto",
	HelpContact:      "numero verde 800 000 000",
	MailSender:       "codici@posta.example",
}

// mailbox is a long address, which must break on the screen of a phone.
const mailbox = "amministrazione.officine-meccaniche.bianchi@pec.officine-bianchi.example"

// sample is one variant of a page.
type sample struct {
	page    string
	variant string // "" for the default
	Page
}

func (s sample) name() string {
	if s.variant == "" {
		return s.page
	}
	return s.page + "-" + s.variant
}

// samples returns all pages in all variants.
func samples(locale string) []sample {
	documents, err := Contracts(SampleContract())
	if err != nil {
		panic(err)
	}
	document := documents[locale]
	var list []sample
	add := func(page, variant string, p Page) {
		p.Locale = locale
		p.Form = Form{Qualification: "0197a1b2-0000-7000-8000-000000000001", Version: 7}
		if p.Values == nil {
			p.Values = map[string]string{}
		}
		list = append(list, sample{page, variant, p})
	}
	// in adds a page of the procedure, out a page without a session.
	in := func(page, variant string, data any, errors ...FieldError) {
		p := Page{Mailbox: mailbox, Leave: true, Back: true, IdleSeconds: 1800, SecondsLeft: 1800, Data: data, Errors: errors}
		if slices.Contains([]string{"identified", "contract", "code"}, page) {
			p.IdentifiedUntil = time.Date(2026, 7, 18, 10, 15, 0, 0, time.UTC)
		}
		add(page, variant, p)
	}
	out := func(page, variant string, data any) { add(page, variant, Page{Data: data}) }

	in("holder_choice", "", HolderChoice{})
	in("holder_choice", "declined", HolderChoice{Declined: "luca.bianchi@officine-meccaniche.bianchi.example"})
	in("holder_choice", "error", HolderChoice{}, FieldError{Field: "ruolo", Message: "error_role_missing"})
	in("introduction", "", nil)
	in("holder_invitation", "", nil)
	add("holder_invitation", "error", Page{Mailbox: mailbox, Leave: true, Back: true,
		Values: map[string]string{"email": `"><b>x`},
		Errors: []FieldError{{Field: "email", Message: "error_email_malformed"}}})
	to := "l•••@b•••.example"
	add("invited", "", Page{Mailbox: mailbox, Leave: true, Notice: "notice_invited",
		Data: Invited{
			To:        "luca.bianchi@officine-meccaniche-bianchi.example",
			Expires:   now.AddDate(0, 0, 7),
			ReturnURL: "https://webmail.example/inbox",
		}})
	for _, mail := range []string{"waiting", "refused", "dropped"} {
		in("invited", mail, Invited{To: to, Expires: now.AddDate(0, 0, 7), Mail: mail})
	}
	in("invited", "accepted", Invited{To: to, Expires: now, Accepted: true})
	in("invited", "expired", Invited{To: to, Expires: now, Expired: true})
	in("invited", "rejected", Invited{To: to, Expires: now, Accepted: true, Rejected: true})
	in("invited", "limit", Invited{To: to, Expires: now},
		FieldError{Field: "email", Message: "error_invitation_limit", Args: map[string]any{"Until": "14:20"}})
	add("invitation", "", Page{Values: map[string]string{"decline": "/invito/abc/rifiuta"},
		Data: Invitation{Mailbox: mailbox, Holder: "O••••••• B•••••• S.r.l.", Sent: now, Expires: now.AddDate(0, 0, 7)}})
	out("invitation", "resume", Invitation{Mailbox: mailbox, Sent: now, Expires: now, Resume: true})
	for _, why := range []string{"expired", "withdrawn", "declined", "replaced", "finished", "unknown"} {
		out("invitation_ended", why, Ended{Why: why})
	}
	in("holder_kind", "", nil)
	in("holder_kind", "error", nil, FieldError{Field: "intestatario", Message: "error_kind_differs_company"})
	in("company_data", "", nil)
	add("company_data", "error", Page{Mailbox: mailbox, Leave: true, Back: true,
		Values: map[string]string{"ragione_sociale": "O", "codice_fiscale_impresa": "0987654321"},
		Errors: []FieldError{
			{Field: "ragione_sociale", Message: "error_company_name_short"},
			{Field: "codice_fiscale_impresa", Message: "error_company_code_length"}}})
	add("contact_data", "", Page{Mailbox: mailbox, Leave: true, Back: true,
		Values: map[string]string{"email": "amministrazione@bianchi.example"}})
	in("contact_data", "error", nil,
		FieldError{Field: "email", Message: "error_email_missing"},
		FieldError{Field: "cellulare", Message: "error_phone_malformed"})
	in("summary", "", Summary{Company: true, CompanyName: "Officine Bianchi S.r.l.", CompanyCode: "09876543217",
		Email: "amministrazione.molto.lunga@officine-meccaniche-bianchi.example", Phone: "+39 333 123 4567"})
	add("summary", "person", Page{Mailbox: mailbox, Leave: true, Back: true, Notice: "notice_moved_on",
		Data: Summary{Email: "anna.neri@mail.example"}})
	add("edit_holder", "", Page{Mailbox: mailbox, Leave: true,
		Values: map[string]string{
			"intestatario":           "impresa",
			"ragione_sociale":        "Officine Bianchi S.r.l.",
			"codice_fiscale_impresa": "09876543217",
		}})
	in("edit_holder", "error", nil,
		FieldError{Field: "intestatario", Message: "error_kind_missing"},
		FieldError{Field: "codice_fiscale_impresa", Message: "error_company_code_check"})
	add("edit_contacts", "", Page{Mailbox: mailbox, Leave: true,
		Opener: "code", Data: EditContacts{Action: "/codice/contatti"}, Values: map[string]string{"email": "anna.neri@mail.example"}})
	add("edit_contacts", "later", Page{Mailbox: mailbox, Leave: true, Opener: "code",
		Data:   EditContacts{Action: "/codice/contatti", CodeAt: now},
		Values: map[string]string{"email": "anna.neri@mail.example"}})
	for opener, action := range map[string]string{"summary": "/riepilogo/contatti", "identified": "/identita/contatti"} {
		add("edit_contacts", opener, Page{Mailbox: mailbox, Leave: true, Opener: opener, Data: EditContacts{Action: action},
			Values: map[string]string{"email": "anna.neri@mail.example"}})
	}
	in("identification", "", Identification{})
	in("identification", "company", Identification{Company: true})
	in("identification", "lapsed", Identification{Lapsed: true})
	in("identification", "unfinished", Identification{Lapsed: true, Begun: true})
	in("identification", "suspended", Identification{Lapsed: true, Suspended: true})
	purposes := []string{"P", "PF", "PG", "LP", "PX"}
	for _, purpose := range purposes {
		in("identification", purpose, Identification{Company: true, Purpose: purpose})
	}
	in("methods", "", Methods{})
	in("methods", "cie", Methods{CIE: "/identificazione/avvia?idp=3"})
	in("methods", "logos", Methods{SPIDLogo: "/loghi/spid.svg", CIE: "/identificazione/avvia?idp=3", CIELogo: "/loghi/cie.svg"})
	links := []ProviderLink{
		{"Identità di prova", "/identificazione/avvia?idp=1", ""},
		{"Altro gestore dal nome un po' lungo", "/identificazione/avvia?idp=2", "/loghi/idp.example.svg"}}
	in("providers", "", Providers{Links: links})
	in("providers", "entry", Providers{Links: links, Entry: true, SPIDLogo: "/loghi/spid.svg"})
	in("providers", "none", Providers{})
	out("login_post", "", LoginPost{
		Provider: "Identità di prova", URL: "https://idp.example/sso", SAMLRequest: "PHNhbWxw", RelayState: "opaque"})
	in("at_provider", "", AtProvider{Provider: "Identità di prova", Restart: "/identificazione/avvia?idp=1"})
	in("at_provider", "cie", AtProvider{Provider: "Carta di Identità Elettronica", CIE: true, Restart: "/identificazione/avvia?idp=3"})
	for _, code := range []string{
		"nr19", "nr20", "nr21", "nr22", "nr23", "nr24", "nr25", "nr30", "technical", "elsewhere", "prefetch", "suspended",
	} {
		in("login_failed", code, LoginFailed{Code: code, Level: "2", Reference: "7F3K9Q", Known: true})
		in("login_failed", code+"-cie", LoginFailed{Code: code, CIE: true, Level: "3", Reference: "7F3K9Q", Known: true})
	}
	for _, purpose := range purposes {
		in("login_failed", "nr30-"+purpose, LoginFailed{Code: "nr30", Purpose: purpose, Known: true})
	}
	add("login_failed", "unknown", Page{Opener: "welcome", Data: LoginFailed{Code: "elsewhere"}})
	add("login_failed", "again", Page{Mailbox: mailbox, Leave: true, BackTo: "/", Data: LoginFailed{Code: "nr25", Known: true}})
	out("login_failed", "trial", LoginFailed{Code: "technical", Reference: "7F3K9Q", Trial: true, Reason: "signature-invalid"})
	out("trial", "", Trial{Provider: "Identità di prova", Login: "_4ZK2", Assertion: "_7QPX", Level: "SpidL2",
		Attributes: []Attribute{{"fiscalNumber", "TINIT-NRENNA80A41H501T"}, {"name", "Anna"}}})
	in("identified", "", Identified{Name: "Luca Bianchi", CodeEnd: "205G", Provider: "Identità di prova", Level: "SpidL2",
		Email: "amministrazione@bianchi.example"})
	in("contract", "", Contract{Version: document.Version, Date: document.Date, SHA256: document.SHA256, Document: document.Body})
	code := Code{To: "amministrazione.molto.lunga@officine-meccaniche-bianchi.example", ResendIn: 20}
	for _, status := range []CodeStatus{CodeSending, CodeSent, CodeExpired, CodeRefused, CodeDropped, CodePaused, CodeSpent} {
		c := code
		c.Status = status
		switch status {
		case CodeSent:
			c.SecondsLeft = 58
		case CodePaused:
			c.PausedUntil = now.Add(15 * time.Minute)
		case CodeExpired, CodeSpent:
			c.ResendIn = 0
		}
		in("code", string(status), c)
	}
	code.Status, code.SecondsLeft = CodeSent, 31
	in("code", "error", code, FieldError{Field: "codice", Message: "error_code_wrong", Args: map[string]any{"Left": 3}})
	in("code", "resend-error", code, FieldError{Field: "resend", Message: "error_resend_wait", Args: map[string]any{"Seconds": 14}})
	code.ResendIn = 13*60 - 4
	in("code", "limit", code)
	late := code
	late.LoginFirst = true
	in("code", "login-first", late)
	code.Status, code.PausedUntil = CodePaused, now.Add(15*time.Minute)
	in("code", "paused-error", code, FieldError{Field: "codice", Message: "error_code_paused", Args: map[string]any{"Until": "14:20"}})
	closed := func(page, variant string, data any) {
		add(page, variant, Page{Mailbox: mailbox, Leave: true, Data: data})
	}
	closed("under_review", "", UnderReview{Number: 1042, Own: true})
	closed("under_review", "other", UnderReview{Number: 1042})
	closed("rejected", "company", Rejected{Reason: "company_differs"})
	closed("rejected", "holder", Rejected{Reason: "holder_differs", LoginAgain: true, Invite: true})
	closed("rejected", "invited", Rejected{Reason: "holder_differs", LoginAgain: true, Invited: true})
	closed("rejected", "review", Rejected{
		Reason: "review_refused", Remark: "Il documento inviato è illeggibile.", LoginAgain: true, Invite: true})
	closed("qualified", "", Qualified{Closed{Since: now, ReturnURL: "https://webmail.example/inbox"}, 1042, "SpidL2", "1.0"})
	closed("qualified", "invited", Qualified{Closed{Since: now}, 1042, "SpidL3", "1.0"})
	closed("revoked", "", Closed{Since: now, ReturnURL: "https://webmail.example/inbox"})
	closed("revoked", "invited", Closed{Since: now})
	closed("expired", "invited", Closed{Since: now})
	closed("expired", "", Closed{Since: now, ReturnURL: "https://webmail.example/inbox"})
	closed("not_eligible", "", nil)
	out("welcome", "", nil)
	add("welcome", "left", Page{Notice: "notice_left"})
	out("guide", "", Guide{URL: "https://stella.example/guida", Resume: true})
	out("session_ended", "", SessionEnded{})
	for _, why := range []string{"idle", "old", "left", "replaced", "used_twice", "client_disabled", "operator"} {
		out("session_ended", why, SessionEnded{Why: why, Webmail: true})
	}
	out("session_ended", "kept", SessionEnded{Why: "idle", Invited: true, Kept: true})
	out("which_mailbox", "", WhichMailbox{Former: mailbox, Next: "anna.neri@pec.example"})
	out("start", "", Start{Action: "/start/abc", Mailbox: mailbox})
	out("start_ended", "", Ended{Why: "expired"})
	for _, kind := range []string{"not_found", "forbidden", "too_large", "method", "logout", "too_many", "unavailable", "internal"} {
		out("fault", kind, Fault{Kind: kind, Reference: "7F3K9Q", Until: "12:15"})
	}
	return list
}

// parsed returns the templates of site. It parses them once, since that is slow.
var parsed = sync.OnceValues(func() (*Templates, error) { return New(site) })

func newTemplates(t *testing.T) *Templates {
	t.Helper()
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sampleNotice returns the sample contract notice.
func sampleNotice(locale string) *Document {
	documents, err := Contracts(SampleContract())
	if err != nil {
		panic(err)
	}
	d := documents[locale]
	return &d
}

// mailKinds returns sample data for each kind of mail.
func mailKinds(locale string) map[string]Mail {
	notice := sampleNotice(locale)
	base := Mail{Locale: locale, Mailbox: mailbox, Number: 1042, At: now}
	with := func(change func(*Mail)) Mail {
		m := base
		change(&m)
		return m
	}
	return map[string]Mail{
		"code": with(func(m *Mail) { m.Code = "042917" }),
		"invitation": with(func(m *Mail) {
			m.Link, m.Guide, m.Expires = "https://stella.example/invito/abc", "https://stella.example/guida", now.AddDate(0, 0, 7)
		}),
		"invitation_qualified": base,
		"invitation_declined":  base,
		"qualified_pec": with(func(m *Mail) {
			m.Holder, m.Person, m.Provider = "Officine Bianchi S.r.l.", "Luca Bianchi", "Identità di prova"
			m.Level, m.Notice = "SpidL2", notice
		}),
		"qualified":        with(func(m *Mail) { m.Person, m.Level, m.Notice = "Luca Bianchi", "SpidL2", notice }),
		"rejected":         with(func(m *Mail) { m.Reason, m.Remark = "review_refused", "Il documento è illeggibile." }),
		"under_review":     base,
		"contacts_changed": with(func(m *Mail) { m.NewMasked = "l•••@b•••.example" }),
		"revoked":          with(func(m *Mail) { m.Remark = "Su richiesta dell'intestatario." }),
	}
}
