package spid

import (
	"regexp"
	"time"

	"github.com/beevik/etree"
)

// How far a provider's clock may be from ours. Servers on NTP are apart by
// milliseconds; these leave room for one that has lost it. They open nothing,
// because an answer is tied to a recorded request. Nothing is added to the end
// of a validity.
const (
	futureTolerance = 30 * time.Second
	pastTolerance   = 5 * time.Second
)

// authnTolerance is by how much the person may have authenticated before the
// request was made. The request asks for a new authentication (ForceAuthn), so
// that an older one is that of another login, by a person who used the browser
// before. A minute leaves room for a provider whose credentials are checked by
// another server than the one that writes the answer.
const authnTolerance = time.Minute

// Verify checks that r is the answer of provider p to the request, and returns
// what it asserts. The error is a *[Rejection] if a rule does not hold, or an
// *[Anomaly] if the provider says that the login failed.
//
// It is for the caller to find the request by [Response.InResponseTo], to
// answer it once, and to forget it in time (SPID technical rules, "Single
// Sign-On", "Processamento della Response").
func (sp *ServiceProvider) Verify(r *Response, relayState string, req Request, p *Provider) (*Assertion, error) {
	if req.RelayState == "" || relayState != req.RelayState {
		return nil, reject(ReasonRelayState, "RelayState is not the one sent")
	}
	if p == nil || req.Provider != p.EntityID {
		return nil, reject(ReasonIssuer, "the request was for another provider")
	}
	v := verification{sp: sp, request: req, provider: p, now: sp.now()}
	if err := checkStructure(r.root); err != nil {
		return nil, err
	}
	// The signature of the response may be missing, but not be wrong (SPID
	// technical rules, "Single Sign-On", "Response").
	response := r.root
	if v.signed = len(children(response, "ds:Signature")) > 0; v.signed {
		var err error
		if response, v.expired, err = v.verified(response); err != nil {
			return nil, err
		}
	}
	if err := v.envelope(response); err != nil {
		return nil, err
	}
	assertions := children(response, "saml:Assertion")
	if err := v.status(response, len(assertions)); err != nil {
		return nil, err
	}
	if len(assertions) == 0 {
		return nil, reject(ReasonAssertionMissing, "the login succeeded without an assertion")
	}
	if len(children(assertions[0], "ds:Signature")) == 0 {
		return nil, reject(ReasonAssertionNotSigned, "the assertion is not signed")
	}
	assertion, expired, err := v.verified(assertions[0])
	if err != nil {
		return nil, err
	}
	a, err := v.assertion(assertion)
	if err != nil {
		return nil, err
	}
	a.ResponseID, _ = attr(response, "ID")
	a.CertificateExpired = expired
	return a, nil
}

// A verification is one call of Verify.
type verification struct {
	sp       *ServiceProvider
	request  Request
	provider *Provider
	now      time.Time

	signed  bool      // the response is
	expired time.Time // when the certificate did that verifies the response, if it has
}

// issued reads an IssueInstant, which lies between the request and now.
func (v verification) issued(el *etree.Element, reason Reason) (time.Time, error) {
	t, err := instant(el, "IssueInstant", reason)
	if err != nil {
		return t, err
	}
	if t.Before(v.asked().Add(-pastTolerance)) {
		return t, reject(reason, "IssueInstant of %s is before the request", qname(el))
	}
	return t, v.begun(t, el, "IssueInstant", reason)
}

// asked is when the request was made, cut to the second: many providers write
// whole seconds, and official testers send ours back.
func (v verification) asked() time.Time { return v.request.IssuedAt.Truncate(time.Second) }

// begun checks that an instant does not lie in the future.
func (v verification) begun(t time.Time, el *etree.Element, key string, reason Reason) error {
	if t.After(v.now.Add(futureTolerance)) {
		return reject(reason, "%s of %s is in the future", key, qname(el))
	}
	return nil
}

// unexpired reads NotOnOrAfter, which lies in the future.
func (v verification) unexpired(el *etree.Element, reason Reason) (time.Time, error) {
	t, err := instant(el, "NotOnOrAfter", reason)
	if err != nil {
		return t, err
	}
	if !v.now.Before(t) {
		return t, reject(reason, "NotOnOrAfter of %s has passed", qname(el))
	}
	return t, nil
}

// issuer checks the Issuer of a response or an assertion.
func (v verification) issuer(el *etree.Element, reason Reason) (*etree.Element, error) {
	issuer, err := only(el, "saml:Issuer", reason)
	if err != nil {
		return nil, err
	}
	if text(issuer) != v.provider.EntityID {
		return nil, reject(reason, "the issuer of %s is not the provider that was asked", qname(el))
	}
	return issuer, nil
}

// utc matches an xs:dateTime as SAML wants it, in UTC and without a time zone
// (SAML 2.0 Core, 1.3.3). The package time reads more than that.
var utc = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)

func instant(el *etree.Element, key string, reason Reason) (time.Time, error) {
	value, _ := attr(el, key)
	t, err := time.Parse(time.RFC3339, value)
	if err != nil || !utc.MatchString(value) {
		return time.Time{}, reject(reason, "%s of %s is missing or not an instant in UTC", key, qname(el))
	}
	return t, nil
}
