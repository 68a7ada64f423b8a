package web

import (
	"net/http"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid/spidtest"
	"stella/workflow/qualification"
)

// withAttribute replaces the value of an attribute before the provider signs.
func withAttribute(name, value string) spidtest.Edit {
	return spidtest.BeforeSigning(func(r *etree.Element) {
		r.FindElement("//saml:Attribute[@Name='" + name + "']/saml:AttributeValue").SetText(value)
	})
}

// A response without a valid fiscal code is refused: its person cannot be compared
// with the holder.
func TestInvalidFiscalNumber(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	request := b.ask()
	b.unchanged(func() {
		for _, value := range []string{
			"TINIT-NRENNA80A41H501TX", "TINIT-NRENNA80A41H501", "TINIT-NRENNA80A41H501X",
			"TINIT-NRENNA80A41H501T TINIT-VRDSRA82E50L219E",
			"TINITNRENNA80A41H501T", "TINIT-", "TINIT-12345678901", "NRENNA80A41H501T.", "VATIT-09876543217", "ignoto",
		} {
			b.deliver(b.answer(request, "Anna Neri", withAttribute("fiscalNumber", value))).refused(technical)
			if b.storedAnswers() != "0" {
				t.Errorf("%s: the response is stored", value)
			}
		}
	})
	b.stateIs(anna, qualification.AtProvider)
	if got := b.query(`select count(*)::text from identities`); got != "0" {
		t.Errorf("%s identities are stored", got)
	}
	b.omits("501TX", "VRDSRA82E50L219E")
	b.deliver(b.answer(request, "Anna Neri")).at("Identificazione riuscita")
}

// Providers write the fiscal code and the date of birth in several forms, which are
// all accepted.
func TestFormsOfFiscalNumberAndDate(t *testing.T) {
	t.Parallel()
	const value = "saml:AttributeValue"
	date := func(do func(*etree.Element)) spidtest.Edit {
		return spidtest.BeforeSigning(func(r *etree.Element) { do(r.FindElement("//saml:Attribute[@Name='dateOfBirth']")) })
	}
	for name, edit := range map[string]spidtest.Edit{
		"without a prefix":        withAttribute("fiscalNumber", "NRENNA80A41H501T"),
		"in lower case":           withAttribute("fiscalNumber", "tinit-nrenna80a41h501t"),
		"between newlines":        withAttribute("fiscalNumber", "\n\t TINIT-NRENNA80A41H501T \n"),
		"a date without a type":   date(func(el *etree.Element) { el.SelectElement(value).RemoveAttr("xsi:type") }),
		"a date as a string":      date(func(el *etree.Element) { el.SelectElement(value).CreateAttr("xsi:type", "xs:string") }),
		"an empty date":           withAttribute("dateOfBirth", ""),
		"a date that is left out": date(func(el *etree.Element) { el.Parent().RemoveChild(el) }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := at(t, anna, qualification.Identification)
			b.deliver(b.answer(b.ask(), "Anna Neri", edit)).at("Identificazione riuscita")
			if got := b.query(`select fiscal_number from identities`); got != "NRENNA80A41H501T" {
				t.Errorf("the stored fiscal code is %q", got)
			}
			b.stateIs(anna, qualification.Identified)
		})
	}
}

// After a success the browser's Back button opens the provider's page, which posts
// the response again: the user sees the current page, even if the response has
// expired. Another browser learns nothing.
func TestAnswerPostedAgain(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	request := b.ask()
	answer := b.answer(request, "Anna Neri")
	b.deliver(answer).at("Identificazione riuscita")
	archived := b.archived()
	b.record(sara)
	other := b.enter(sara)
	b.unchanged(func() {
		b.deliver(answer).at("Identificazione riuscita")
		b.clock.Advance(10 * time.Minute) // the response has expired
		b.deliver(answer).at("Identificazione riuscita")
		other.deliver(answer).at("Conferma identità")
		stranger := b.browser()
		stranger.deliver(answer)
		if stranger.Status == http.StatusForbidden || stranger.Find("h1:contains('Identificazione')").Length() > 0 {
			t.Errorf("a browser without a session sees %d %s", stranger.Status, stranger.Content())
		}
	})
	if got := b.archived(); got != archived {
		t.Errorf("%s responses are archived, %s before", got, archived)
	}
	b.press("PROCEDI")
	b.unchanged(func() { b.deliver(answer).at("Informativa contrattuale") })
}

// A cancelled login is shown as such for every form of the response, and is not
// counted as a refused response.
func TestFormsOfCancelledLogins(t *testing.T) {
	t.Parallel()
	top := spidtest.BeforeSigning(func(r *etree.Element) {
		code := r.FindElement("samlp:Status/samlp:StatusCode")
		code.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed")
		for _, child := range code.ChildElements() {
			code.RemoveChild(child)
		}
	})
	anonymous := spidtest.BeforeSigning(func(r *etree.Element) { r.RemoveChild(r.SelectElement("saml:Issuer")) })
	refused := 0
	b := at(t, anna, qualification.Identification, func(w *world) {
		w.logins.Observer.Refused = func(string) { refused++ }
	})
	for code, sentence := range map[string]string{
		"nr22": "Non hai autorizzato l'invio dei dati.",
		"nr25": "Hai annullato l'accesso.",
	} {
		for _, edits := range [][]spidtest.Edit{{top}, {anonymous}, {top, anonymous}} {
			b.deliver(b.fail(b.ask(), code, edits...)).answered(http.StatusForbidden, notDone, sentence)
			b.stateIs(anna, qualification.Identification)
		}
	}
	if refused > 0 {
		t.Errorf("%d responses are counted as refused", refused)
	}
}

// An identity of a legal person alone is refused, and the page says which kind of
// identity is required.
func TestIdentityOfALegalPerson(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.Identification, func(w *world) { w.server.Purpose = "LP" })
	alone := spidtest.BeforeSigning(func(r *etree.Element) {
		for _, name := range []string{"name", "familyName", "fiscalNumber", "dateOfBirth"} {
			el := r.FindElement("//saml:Attribute[@Name='" + name + "']")
			el.Parent().RemoveChild(el)
		}
	})
	request := b.ask()
	response, err := b.idp.Answer(request.Request, spidtest.LucaForOfficine(), alone)
	b.must(err)
	b.deliver(request.acs(response)).refused("Hai usato un tipo di identità SPID non ammesso qui. " +
		"Per questa casella occorre un'identità SPID a uso professionale rilasciata per l'impresa (persona giuridica).")
	b.stateIs(bianchi, qualification.Identification)
}

// All pages use the name of a provider that the operator configured.
func TestConfiguredNameOfAProvider(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification, func(w *world) {
		w.server.SPID.Names = map[string]string{w.idp.EntityID(): "La nostra identità"}
	})
	b.get("/identificazione/spid").click("Prosegui con La nostra identità")
	b.get("/").at("Accesso in corso con La nostra identità").click("Ricomincia l'accesso")
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	b.at("Identificazione riuscita", "SPID, livello 2, con La nostra identità")
}
