package webtest

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// A Holder is what a person enters who makes no mistakes on the way through the
// procedure.
type Holder struct {
	Person  string // label of the identity at the test identity provider
	Company string // fiscal code of the company; empty for a citizen
	Email   string // ordinary e-mail address
	// Code returns the code that was sent to Email. It is called on the page that asks
	// for the code.
	Code func(context.Context) (string, error)
}

// Enter starts the procedure at the URL of a hand-off, as a click on a page of the
// webmail does, and shows the first page.
func (b *Browser) Enter(ctx context.Context, startURL, webmail string) error {
	b.Page = Page{}
	r, err := b.Request(ctx, http.MethodPost, startURL, url.Values{})
	if err != nil {
		return err
	}
	SendFrom(r, webmail)
	return b.show(r)
}

// Advance does what leads a holder from the page that is shown to the next one, at
// Stella or at the test identity provider. Pages are recognised by their fields, buttons
// and links.
func (b *Browser) Advance(ctx context.Context, h Holder) error {
	f, err := b.advancing(ctx, h)
	if err != nil {
		return err
	}
	method := http.MethodPost
	if f.Values == nil {
		method = http.MethodGet
	}
	r, err := b.Request(ctx, method, f.Action, f.Values)
	if err != nil {
		return err
	}
	return b.show(r)
}

// show sends a request, follows redirects and shows the page, which must not be an error.
func (b *Browser) show(r *http.Request) (err error) {
	if b.Page, err = b.Load(r); err != nil {
		return err
	}
	if b.Status != http.StatusOK {
		return fmt.Errorf("%s was answered with %d: %s", b.URL.Path, b.Status, b.Content())
	}
	return nil
}

// At reports whether the page has a field or a button with that name or text.
func (p Page) At(field string) bool {
	return p.Find(`main input[name="`+field+`"]`).Length() > 0 || withText(p.Find("main button"), field).Length() > 0
}

// A field, a button and a heading by which a page is recognised.
const (
	ContractButton = "COMPLETA LA RICHIESTA DI IDENTIFICAZIONE"
	CodeField      = "codice"
	SuccessHeading = "Identificazione avvenuta con successo"
)

// buttons are the buttons that lead on from pages without fields.
var buttons = []string{"PROCEDI", "SALVA E PROCEDI", ContractButton, "Autorizza", "Continua"}

// links are the beginnings of the links that lead on from pages without forms.
var links = []string{"Prosegui con ", "Entra con SPID", "Inizia l'identificazione"}

// advancing returns the form that leads on, filled in. Its values are nil for a link.
func (p Page) advancing(ctx context.Context, h Holder) (Form, error) {
	kind := "privato"
	if h.Company != "" {
		kind = "impresa"
	}
	if p.At(CodeField) {
		code, err := h.Code(ctx)
		if err != nil {
			return Form{}, err
		}
		return p.fill(CodeField, code)
	}
	for _, field := range [][2]string{
		{"ruolo", "si"}, {"codice_fiscale_impresa", h.Company}, {"intestatario", kind}, {"email", h.Email},
	} {
		if p.At(field[0]) {
			return p.fill(field[0], field[1])
		}
	}
	for _, button := range append([]string{"Accedi come " + h.Person}, buttons...) {
		if p.At(button) {
			return p.Form(button)
		}
	}
	for _, text := range links {
		link := p.Find("main a").FilterFunction(func(_ int, s *goquery.Selection) bool { return strings.HasPrefix(Text(s), text) }).First()
		if link.Length() > 0 {
			to, err := p.resolve(link.AttrOr("href", ""))
			return Form{Action: to}, err
		}
	}
	return Form{}, fmt.Errorf("nothing leads on from the page %q: %s", p.Heading(), cmp.Or(p.Content(), "no text"))
}

// fill returns the form that has a field, with a value for that field.
func (p Page) fill(field, value string) (Form, error) {
	f, err := p.filled(p.Find(`main input[name="` + field + `"]`).First().Closest("form"))
	if err != nil {
		return Form{}, err
	}
	return f.With(field, value), nil
}
