package spidtest

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Logout returns the URL to which the browser must go so that the service ends
// a session: its logout service, with a signed request in the query. The edits
// change the request before it is signed. Its elements have the prefixes samlp
// and saml.
func (p *Provider) Logout(edits ...func(request *etree.Element)) (location string, err error) {
	descriptor, err := p.serviceProvider()
	if err != nil {
		return "", err
	}
	services := descriptor.SPSSODescriptors[0].SingleLogoutServices
	if len(services) == 0 {
		return "", errors.New("the service provider has no logout service")
	}
	id, relayState := newID(), newID()+" à+/="
	root := etree.NewElement("samlp:LogoutRequest")
	root.CreateAttr("xmlns:samlp", nsProtocol)
	root.CreateAttr("xmlns:saml", nsAssertion)
	root.CreateAttr("ID", id)
	root.CreateAttr("Version", "2.0")
	root.CreateAttr("IssueInstant", instant(p.now()))
	root.CreateAttr("Destination", services[0].Location)
	root.CreateAttr("NotOnOrAfter", instant(p.now().Add(time.Minute)))
	add(root, "saml:Issuer", p.EntityID(), "Format", formatEntity, "NameQualifier", p.EntityID())
	add(root, "saml:NameID", newID(), "Format", formatTransient, "NameQualifier", p.EntityID())
	add(root, "samlp:SessionIndex", newID())
	for _, edit := range edits {
		edit(root)
	}
	message, err := etree.NewDocumentWithRoot(root).WriteToBytes()
	if err != nil {
		return "", fmt.Errorf("writing a logout request: %w", err)
	}
	query, err := p.SignQuery(Query("SAMLRequest", message, relayState))
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logouts[id] = relayState
	return services[0].Location + "?" + query, nil
}

// Query returns the unsigned query with a deflated message and a relay state.
func Query(parameter string, message []byte, relayState string) string {
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.DefaultCompression)
	if err != nil {
		panic(err) // only for an invalid level
	}
	w.Write(message) // in memory, so it cannot fail
	w.Close()
	return parameter + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflated.Bytes())) +
		"&RelayState=" + url.QueryEscape(relayState)
}

// LoggedOut checks the service's answer to a logout request. location is the
// URL to which the service redirected the browser (SPID technical rules,
// "Single Logout", "LogoutResponse").
func (p *Provider) LoggedOut(location string) error {
	rawQuery, ok := strings.CutPrefix(location, p.loggedOutURL()+"?")
	if !ok {
		return fmt.Errorf("the answer goes to %s", location)
	}
	parts, err := split(rawQuery)
	if err != nil {
		return err
	}
	descriptor, err := p.serviceProvider()
	if err != nil {
		return err
	}
	if err := checkQuery("SAMLResponse", parts, descriptor); err != nil {
		return err
	}
	document, err := inflate(parts["SAMLResponse"])
	if err != nil {
		return err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(document); err != nil {
		return fmt.Errorf("reading a logout response: %w", err)
	}
	root := doc.Root()
	if root == nil || root.Tag != "LogoutResponse" || root.NamespaceURI() != nsProtocol {
		return errors.New("the answer is not a logout response")
	}
	relayState, err := url.QueryUnescape(parts["RelayState"])
	if err != nil {
		return fmt.Errorf("RelayState: %w", err)
	}
	return p.checkLoggedOut(root, descriptor.EntityID, relayState)
}

func (p *Provider) checkLoggedOut(root *etree.Element, entityID, relayState string) error {
	value := func(key string) string { return root.SelectAttrValue(key, "") }
	issuer, code := root.SelectElement("Issuer"), root.FindElement("Status/StatusCode")
	issued, err := time.Parse(time.RFC3339, value("IssueInstant"))
	p.mu.Lock()
	sent, known := p.logouts[value("InResponseTo")]
	delete(p.logouts, value("InResponseTo"))
	p.mu.Unlock()
	switch {
	case value("ID") == "" || strings.ContainsAny(value("ID")[:1], "0123456789"):
		return errors.New("no ID, or one that begins with a digit")
	case value("Version") != "2.0":
		return errors.New("the Version is not 2.0")
	case err != nil || issued.Sub(p.now()).Abs() > maxClockSkew:
		return fmt.Errorf("IssueInstant is %q", value("IssueInstant"))
	case !known:
		return errors.New("no logout under way has the ID of InResponseTo")
	case relayState != sent:
		return fmt.Errorf("RelayState is %q, and was %q", relayState, sent)
	case value("Destination") != p.loggedOutURL():
		return fmt.Errorf("the Destination is %q", value("Destination"))
	case issuer == nil || issuer.Text() != entityID ||
		issuer.SelectAttrValue("Format", "") != formatEntity || issuer.SelectAttrValue("NameQualifier", "") == "":
		return errors.New("the issuer is not the service, or without Format or NameQualifier")
	case code == nil || code.SelectAttrValue("Value", "") != statusPrefix+"Success":
		return errors.New("the status is not success")
	}
	return nil
}

// logout redirects the visitor to the service, which ends the session.
func (p *Provider) logout(w http.ResponseWriter, r *http.Request) {
	location, err := p.Logout()
	if err != nil {
		p.fail(w, http.StatusInternalServerError, "Il servizio da cui uscire non si trova.")
		return
	}
	http.Redirect(w, r, location, http.StatusFound)
}

// loggedOut receives the service's answer.
func (p *Provider) loggedOut(w http.ResponseWriter, r *http.Request) {
	if err := p.LoggedOut(p.loggedOutURL() + "?" + r.URL.RawQuery); err != nil {
		p.fail(w, http.StatusBadRequest, "La risposta del servizio non è valida: "+err.Error())
		return
	}
	p.show(w, http.StatusOK, "logged_out.html", page{}, "'none'")
}
