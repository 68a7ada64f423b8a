package spidtest_test

import (
	"errors"
	"slices"
	"testing"

	"stella/spid"
	"stella/spid/spidtest"
)

// Each purpose accepts certain types of identity. Others are answered with
// anomaly nr30 (Avviso 18).
func TestPurposes(t *testing.T) {
	t.Parallel()
	person := func(name string, identity spidtest.Identity) spidtest.Person {
		p := spidtest.DemoPeople()[0]
		p.Name, p.Identity = name, identity
		return p
	}
	idp, server := serve(spidtest.Config{ServiceProvider: sp.Metadata, People: []spidtest.Person{
		person("Una", spidtest.NaturalPerson), person("Due", spidtest.LegalPerson),
		person("Tre", spidtest.Professional), person("Quattro", spidtest.CompanyProfessional),
	}})
	t.Cleanup(server.Close)
	provider := parse(idp.Metadata())
	for purpose, admitted := range map[string][]string{
		"":   {"Una", "Tre"},
		"P":  {"Tre", "Quattro"},
		"PF": {"Tre"},
		"PG": {"Quattro"},
		"LP": {"Due", "Quattro"},
		"PX": {"Due", "Tre", "Quattro"},
	} {
		for _, name := range []string{"Una", "Due", "Tre", "Quattro"} {
			req, dispatch, err := sp.Login(provider, spid.LoginOptions{Purpose: purpose})
			if err != nil {
				t.Fatal(err)
			}
			chosen := get(t, dispatch.URL).press(t, "Accedi come "+name+" Neri")
			if slices.Contains(admitted, name) {
				chosen.button(t, "Autorizza")
				continue
			}
			response, relayState := chosen.answer(t)
			_, err = sp.Verify(response, relayState, req, provider)
			var anomaly *spid.Anomaly
			if !errors.As(err, &anomaly) || anomaly.Code != "nr30" {
				t.Errorf("purpose %q, %s: got %v, want nr30", purpose, name, err)
			}
		}
	}
}

// A company's identity contains the attributes of the person, and those of the
// company if they are requested.
func TestCompanyLogin(t *testing.T) {
	t.Parallel()
	idp, server := serve(spidtest.Config{ServiceProvider: sp.Metadata, People: []spidtest.Person{spidtest.LucaForOfficine()}})
	t.Cleanup(server.Close)
	provider := parse(idp.Metadata())
	for _, options := range []spid.LoginOptions{{Purpose: "PG", Company: true}, {Purpose: "PG"}} {
		req, dispatch, err := sp.Login(provider, options)
		if err != nil {
			t.Fatal(err)
		}
		consent := get(t, dispatch.URL).press(t, "Accedi come Luca Bianchi per Officine Bianchi S.r.l.")
		response, relayState := consent.press(t, "Autorizza").answer(t)
		a, err := sp.Verify(response, relayState, req, provider)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"fiscalNumber": "TINIT-BNCLCU75C12F205G", "companyName": "", "companyFiscalNumber": "", "ivaCode": ""}
		if options.Company {
			want["companyName"], want["companyFiscalNumber"] = "Officine Bianchi S.r.l.", "TINIT-09876543217"
			want["ivaCode"], want["registeredOffice"] = "VATIT-09876543217", "Via delle Officine 1, 20121 Milano MI"
		}
		for name, value := range want {
			if got := a.Attributes[name]; got != value {
				t.Errorf("company asked for %t: %s is %q, want %q", options.Company, name, got, value)
			}
		}
	}
}
