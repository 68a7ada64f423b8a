package spidtest_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
)

// form returns the form that posts a request.
func form(dispatch spid.Dispatch) url.Values {
	return url.Values{"SAMLRequest": {dispatch.SAMLRequest}, "RelayState": {dispatch.RelayState}}
}

func post(t *testing.T, to string, values url.Values) page {
	t.Helper()
	response, err := http.PostForm(to, values)
	return read(t, response, err)
}

// A posted request is answered like one in a query.
func TestPostedLogin(t *testing.T) {
	t.Parallel()
	req, dispatch, err := sp.Login(provider, spid.LoginOptions{Post: true})
	if err != nil {
		t.Fatal(err)
	}
	consent := post(t, dispatch.URL, form(dispatch)).press(t, "Accedi come Anna Neri")
	response, relayState := consent.press(t, "Autorizza").answer(t)
	if _, err := sp.Verify(response, relayState, req, provider); err != nil {
		t.Error(err)
	}
}

// edited returns a form whose request is changed after it was signed.
func edited(t *testing.T, dispatch spid.Dispatch, edit func(*etree.Element)) url.Values {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(dispatch.SAMLRequest)
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	edit(doc.Root())
	if raw, err = doc.WriteToBytes(); err != nil {
		t.Fatal(err)
	}
	dispatch.SAMLRequest = base64.StdEncoding.EncodeToString(raw)
	return form(dispatch)
}

func TestPostedRefusals(t *testing.T) {
	t.Parallel()
	_, dispatch, err := sp.Login(provider, spid.LoginOptions{Post: true})
	if err != nil {
		t.Fatal(err)
	}
	another := *sp
	another.EntityID = "https://another.example"
	_, foreign, err := another.Login(provider, spid.LoginOptions{Post: true})
	if err != nil {
		t.Fatal(err)
	}
	without := func(key string) url.Values {
		values := form(dispatch)
		values.Del(key)
		return values
	}
	for name, c := range map[string]struct {
		form url.Values
		code string
	}{
		"nothing":         {url.Values{}, "ErrorCode 4"},
		"garbage":         {url.Values{"SAMLRequest": {"%"}, "RelayState": {"x"}}, "ErrorCode 4"},
		"no RelayState":   {without("RelayState"), "ErrorCode 4"},
		"another service": {form(foreign), "ErrorCode 10"},
		"not signed":      {edited(t, dispatch, func(r *etree.Element) { r.RemoveChild(r.SelectElement("ds:Signature")) }), "ErrorCode 5"},
		"changed":         {edited(t, dispatch, func(r *etree.Element) { r.CreateAttr("ForceAuthn", "false") }), "ErrorCode 7"},
	} {
		p := post(t, dispatch.URL, c.form)
		if p.status != http.StatusForbidden || !strings.Contains(p.Text(), c.code+":") {
			t.Errorf("%s: got %d, %s, want %s", name, p.status, strings.TrimSpace(p.Find("main").Text()), c.code)
		}
	}
}

// The signature must be right after the issuer (saml-schema-protocol-2.0.xsd).
func TestPostedSignaturePlacement(t *testing.T) {
	t.Parallel()
	_, dispatch, err := sp.Login(provider, spid.LoginOptions{Post: true})
	if err != nil {
		t.Fatal(err)
	}
	last := edited(t, dispatch, func(r *etree.Element) { r.AddChild(r.SelectElement("ds:Signature")) })
	response, _ := post(t, dispatch.URL, last).answer(t)
	if got := string(response.XML()); !strings.Contains(got, "ErrorCode nr08<") {
		t.Errorf("want nr08, got %s", got)
	}
}
