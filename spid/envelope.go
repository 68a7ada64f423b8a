package spid

import (
	"slices"

	"github.com/beevik/etree"
)

// envelope checks the attributes and the Issuer of a response, for successful
// and for failed logins (SPID technical rules, "Single Sign-On", "Response").
func (v verification) envelope(response *etree.Element) error {
	if version, _ := attr(response, "Version"); version != "2.0" {
		return reject(ReasonVersion, "Version of the response is not 2.0")
	}
	if _, err := v.issued(response, ReasonIssueInstant); err != nil {
		return err
	}
	if id, _ := attr(response, "InResponseTo"); id == "" || id != v.request.ID {
		return reject(ReasonInResponseTo, "InResponseTo is not the request's ID")
	}
	if destination, _ := attr(response, "Destination"); destination != v.sp.ACSURL {
		return reject(ReasonDestination, "Destination is not our assertion consumer service")
	}
	// Some providers omit the issuer if they report a failure, as SAML allows
	// (SAML 2.0 Core, 3.2.2). A failure identifies no person, so this is safe.
	if len(children(response, "saml:Issuer")) == 0 && failed(response) {
		return nil
	}
	issuer, err := v.issuer(response, ReasonIssuer)
	if err != nil {
		return err
	}
	// Here the format may be missing, unlike in the assertion.
	if format, ok := attr(issuer, "Format"); ok && format != formatEntity {
		return reject(ReasonIssuerFormat, "Format of the response's issuer is not entity")
	}
	return nil
}

// status checks the status of the login. If it failed, the error is an *Anomaly.
func (v verification) status(response *etree.Element, assertions int) error {
	status, err := onlyChild(response, "samlp:Status", ReasonStatus)
	if err != nil {
		return err
	}
	code, err := onlyChild(status, "samlp:StatusCode", ReasonStatus)
	if err != nil {
		return err
	}
	switch value, _ := attr(code, "Value"); {
	case value == statusSuccess:
		return nil
	case !slices.Contains(failures, value):
		return reject(ReasonStatus, "the status is not one of SAML 2.0")
	case assertions > 0:
		return reject(ReasonStatusAssertion, "the login failed, but there is an assertion")
	}
	return v.anomaly(status)
}

// failures are the status codes of a failed login: all top-level codes, and the
// second-level codes that SPID uses, because some providers send them without a
// top-level code (SPID technical rules, "Messaggi di errore").
var failures = []string{
	statusRequester, statusResponder, statusVersionMismatch,
	statusAuthnFailed, statusNoAuthnContext, statusNoPassive, statusRequestDenied, statusRequestUnsupported,
}

// failed reports whether a response says that the login failed.
func failed(response *etree.Element) bool {
	for _, status := range children(response, "samlp:Status") {
		for _, code := range children(status, "samlp:StatusCode") {
			if value, _ := attr(code, "Value"); slices.Contains(failures, value) {
				return true
			}
		}
	}
	return false
}
