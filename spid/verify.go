package spid

import (
	"regexp"
	"time"

	"github.com/beevik/etree"
)

// Tolerances for the difference between a provider's clock and ours. Servers
// with NTP differ by milliseconds; these values cover a server that has lost
// NTP. They add no risk, because an answer must match a stored request. The end
// of a validity has no tolerance.
const (
	futureTolerance = 30 * time.Second
	pastTolerance   = 5 * time.Second
)

// authnTolerance is how long before the request the person may have
// authenticated. The request asks for a new authentication (ForceAuthn), so an
// older one is from another login, perhaps of a person who used the browser
// before. A minute covers a provider that checks the credentials on a different
// server from the one that writes the answer.
const authnTolerance = time.Minute

// Verify checks that r is the answer of provider p to the request, and returns
// its assertion. The error is a *[Rejection] if a rule is broken, or an
// *[Anomaly] if the provider reports that the login failed.
//
// The caller must find the request by [Response.InResponseTo], accept only one
// answer to it, and delete it when it expires (SPID technical rules, "Single
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
	// The response may be unsigned, but a signature must be valid (SPID
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

// A verification is the state of one call of Verify.
type verification struct {
	sp       *ServiceProvider
	request  Request
	provider *Provider
	now      time.Time

	signed  bool      // the response is signed
	expired time.Time // when the certificate that signed the response expired; zero if it is valid
}

// issued returns the IssueInstant, which must be between the request and now.
func (v verification) issued(el *etree.Element, reason Reason) (time.Time, error) {
	t, err := instant(el, "IssueInstant", reason)
	if err != nil {
		return t, err
	}
	if t.Before(v.asked().Add(-pastTolerance)) {
		return t, reject(reason, "IssueInstant of %s is before the request", qname(el))
	}
	return t, v.notInFuture(t, el, "IssueInstant", reason)
}

// asked returns the time of the request, truncated to the second: many
// providers write whole seconds, and official testers send our IssueInstant
// back.
func (v verification) asked() time.Time { return v.request.IssuedAt.Truncate(time.Second) }

// notInFuture checks that an instant is not in the future.
func (v verification) notInFuture(t time.Time, el *etree.Element, key string, reason Reason) error {
	if t.After(v.now.Add(futureTolerance)) {
		return reject(reason, "%s of %s is in the future", key, qname(el))
	}
	return nil
}

// unexpired returns NotOnOrAfter, which must be in the future.
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

// issuer returns the Issuer of a response or an assertion and checks its value.
func (v verification) issuer(el *etree.Element, reason Reason) (*etree.Element, error) {
	issuer, err := onlyChild(el, "saml:Issuer", reason)
	if err != nil {
		return nil, err
	}
	if text(issuer) != v.provider.EntityID {
		return nil, reject(reason, "the issuer of %s is not the provider that was asked", qname(el))
	}
	return issuer, nil
}

// utc matches an xs:dateTime in the form that SAML requires: UTC, with no
// numeric time zone (SAML 2.0 Core, 1.3.3). The package time accepts more
// forms.
var utc = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)

func instant(el *etree.Element, key string, reason Reason) (time.Time, error) {
	value, _ := attr(el, key)
	t, err := time.Parse(time.RFC3339, value)
	if err != nil || !utc.MatchString(value) {
		return time.Time{}, reject(reason, "%s of %s is missing or not an instant in UTC", key, qname(el))
	}
	return t, nil
}
