package spid

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/beevik/etree"
)

// maxLogoutAge is the maximum age of a logout request. They normally arrive
// within seconds.
const maxLogoutAge = 5 * time.Minute

// logoutBounds are the bounds of a logout request. Real ones have four elements.
var logoutBounds = bounds{bytes: maxInflated, nodes: 32, attributes: 16, allAttributes: 64, token: 4 << 10, depth: 8}

// AnswerLogout answers a logout request received at LogoutURL by HTTP-Redirect,
// with that query. It returns the URL to redirect the browser to, and the
// provider that sent the request. The caller ends the session of that browser.
// The answer always reports success, as required even if there is no session
// (SPID technical rules, "Single Logout", "Sessioni individuali"). find returns
// the provider of an entity ID, or nil.
//
// The error is a *[Rejection] if the query breaks a rule. That includes an
// answer to a logout request, because we never send one. If the provider named
// in the query was found, it is returned with the error too.
func (sp *ServiceProvider) AnswerLogout(rawQuery string, find func(entityID string) *Provider) (location string, p *Provider, err error) {
	q, request, err := readLogout(rawQuery)
	if err != nil {
		return "", nil, err
	}
	issuer, err := onlyChild(request, "saml:Issuer", ReasonIssuer)
	if err != nil {
		return "", nil, err
	}
	// Before the signature is verified, only the issuer is read, to find the
	// certificates.
	if p = find(text(issuer)); p == nil {
		return "", nil, reject(ReasonIssuer, "the issuer is not a known provider")
	}
	now := sp.now()
	if err := q.verify("SAMLRequest", usable(p.Certificates, now)); err != nil {
		return "", p, err
	}
	if err := sp.checkLogout(request, now); err != nil {
		return "", p, err
	}
	if p.LogoutURL == "" {
		return "", p, reject(ReasonLogoutService, "the provider has no service to answer at")
	}
	relayState, err := q.value("RelayState")
	if err != nil {
		return "", p, err
	}
	id, _ := attr(request, "ID")
	if location, err = sp.logoutAnswer(id, relayState, p, now); err != nil {
		return "", p, fmt.Errorf("making a logout response: %w", err)
	}
	return location, p, nil
}

func readLogout(rawQuery string) (query, *etree.Element, error) {
	q, err := parseQuery(rawQuery)
	if err != nil {
		return nil, nil, err
	}
	if _, ok := q["SAMLResponse"]; ok {
		return nil, nil, reject(ReasonNotALogoutRequest, "an answer to a logout request that was not made")
	}
	document, err := q.message("SAMLRequest")
	if err != nil {
		return nil, nil, err
	}
	request, err := logoutBounds.read(document)
	if err != nil {
		return nil, nil, err
	}
	if qname(request) != "samlp:LogoutRequest" {
		return nil, nil, reject(ReasonNotALogoutRequest, "the root is not a logout request")
	}
	return q, request, nil
}

// checkLogout checks the content of a logout request (SPID technical rules,
// "Single Logout", "LogoutRequest"). The person that it names is not checked.
func (sp *ServiceProvider) checkLogout(request *etree.Element, now time.Time) error {
	if version, _ := attr(request, "Version"); version != "2.0" {
		return reject(ReasonVersion, "Version of the logout request is not 2.0")
	}
	if id, _ := attr(request, "ID"); id == "" {
		return reject(ReasonRequestID, "the logout request has no ID")
	}
	if destination, _ := attr(request, "Destination"); destination != sp.LogoutURL {
		return reject(ReasonDestination, "Destination is not our logout service")
	}
	issued, err := instant(request, "IssueInstant", ReasonIssueInstant)
	if err != nil {
		return err
	}
	if issued.Before(now.Add(-maxLogoutAge)) || issued.After(now.Add(futureTolerance)) {
		return reject(ReasonIssueInstant, "IssueInstant of the logout request is too old or in the future")
	}
	if _, ok := attr(request, "NotOnOrAfter"); !ok {
		return nil
	}
	end, err := instant(request, "NotOnOrAfter", ReasonNotOnOrAfter)
	if err != nil {
		return err
	}
	if !now.Before(end) {
		return reject(ReasonNotOnOrAfter, "NotOnOrAfter of the logout request has passed")
	}
	return nil
}

// logoutAnswer makes a LogoutResponse that reports success (SPID technical
// rules, "Single Logout", "LogoutResponse"), and returns the URL that carries
// it to the provider.
func (sp *ServiceProvider) logoutAnswer(inResponseTo, relayState string, p *Provider, now time.Time) (location string, err error) {
	root := etree.NewElement("samlp:LogoutResponse")
	set(root, "xmlns:samlp", nsProtocol, "xmlns:saml", nsAssertion,
		"ID", "_"+rand.Text(), "Version", "2.0", "IssueInstant", now.Format(instantFormat),
		"InResponseTo", inResponseTo, "Destination", p.LogoutURL)
	sp.addIssuer(root)
	add(add(root, "samlp:Status", ""), "samlp:StatusCode", "", "Value", statusSuccess)
	message, err := etree.NewDocumentWithRoot(root).WriteToBytes()
	if err != nil {
		return "", fmt.Errorf("writing: %w", err)
	}
	answer, err := sp.signedQuery("SAMLResponse", message, relayState)
	return withQuery(p.LogoutURL, answer), err
}
