package spid

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// Bounds of an aggregate. AgID's has 12 providers, about 140 kB, 1500 elements
// with 2000 attributes, texts of up to 3 kB, and a depth of 8.
const maxAggregate = 10 << 20 // bytes

const nsPublication = "urn:oasis:names:tc:SAML:metadata:rpi"

var aggregateBounds = bounds{bytes: maxAggregate, nodes: 20_000, attributes: 32, allAttributes: 100_000, token: 256 << 10, depth: 24}

// maxAhead is how far in the future the creation time of an aggregate may be. A
// later one would block all aggregates that follow, because older ones are
// refused.
const maxAhead = 24 * time.Hour

// An Aggregate is the list of a federation's identity providers, signed by its
// operator: for SPID, AgID.
type Aggregate struct {
	Providers  Providers
	Faults     error     // entries that cannot be used, completely or in part; nil if there are none
	CreatedAt  time.Time // according to the publisher; zero if it is not stated
	FetchedAt  time.Time // by this or another instance; set by a [Registry]
	cacheLimit time.Duration
}

// ParseAggregate checks that raw is an aggregate that is valid now and signed
// as a whole by one of the signers. It returns the content covered by that
// signature. It leaves out entries that cannot be used, and fails only if no
// usable entry remains.
func ParseAggregate(raw []byte, signers []Fingerprint, now time.Time) (*Aggregate, error) {
	a, err := parseAggregate(raw, signers, now)
	if err != nil {
		var rejection *Rejection // its message is about a response
		if errors.As(err, &rejection) {
			err = errors.New(rejection.Detail)
		}
		return nil, fmt.Errorf("aggregate of identity providers: %w", err)
	}
	return a, nil
}

func parseAggregate(raw []byte, signers []Fingerprint, now time.Time) (*Aggregate, error) {
	root, err := aggregateBounds.read(raw)
	if err != nil {
		return nil, err
	}
	if !isMetadata(root, "EntitiesDescriptor") {
		return nil, errors.New("the root is not an EntitiesDescriptor")
	}
	if root, err = signedAggregate(root, signers, now); err != nil {
		return nil, err
	}
	a := &Aggregate{}
	if a.CreatedAt, err = createdAt(root); err != nil {
		return nil, err
	}
	if a.CreatedAt.After(now.Add(maxAhead)) {
		return nil, fmt.Errorf("created in the future, at %s", a.CreatedAt.Format(time.RFC3339))
	}
	until, err := validity(root)
	if err != nil {
		return nil, err
	}
	if hasExpired(until, now) {
		return nil, fmt.Errorf("was valid until %s", until.Format(time.RFC3339))
	}
	if value, ok := attr(root, "cacheDuration"); ok {
		if err := (*saml.Duration)(&a.cacheLimit).UnmarshalText([]byte(value)); err != nil {
			return nil, fmt.Errorf("cacheDuration: %w", err)
		}
	}
	a.Providers, a.Faults = providersIn(root)
	a.Providers = slices.DeleteFunc(a.Providers, func(p *Provider) bool {
		gone := hasExpired(p.validUntil, now)
		if gone {
			a.Faults = errors.Join(a.Faults, fmt.Errorf("%s: was valid until %s", p.EntityID, p.validUntil.Format(time.RFC3339)))
		}
		return gone
	})
	for _, p := range a.Providers {
		if err := p.Unusable(now); err != nil {
			a.Faults = errors.Join(a.Faults, fmt.Errorf("%s: not offered for login: %w", p.EntityID, err))
		}
	}
	if len(a.Providers) == 0 {
		return nil, errors.Join(a.Faults, noProvider(root))
	}
	return a, nil
}

// signedAggregate verifies the signature of root with the key of a signer. It
// returns the signed element, parsed again from the signed bytes.
func signedAggregate(root *etree.Element, signers []Fingerprint, now time.Time) (*etree.Element, error) {
	if err := checkSignature(root); err != nil {
		return nil, err
	}
	// The signature is the first child (SAML 2.0 Metadata, 2.3.1). This must be
	// checked, because goxmldsig searches for it from the top and gives up
	// after 1000 elements. The rest of its work has no such limit.
	signature := root.ChildElements()[0]
	if qname(signature) != "ds:Signature" {
		return nil, errors.New("the signature is not the first child of the root")
	}
	if err := checkGrammar(signature); err != nil {
		return nil, err
	}
	id, _ := attr(root, "ID")
	if countID(root, id) != 1 {
		return nil, errors.New("another element has the root's ID")
	}
	certificate, err := signer(signature, signers)
	if err != nil {
		return nil, err
	}
	for _, info := range children(signature, "ds:KeyInfo") {
		signature.RemoveChild(info) // already checked by signer
	}
	for _, value := range children(signature, "ds:SignatureValue") {
		value.SetText(withoutSpace(text(value)))
	}
	context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}})
	context.Clock = dsig.NewFakeClockAt(now)
	signed, err := context.Validate(root)
	if err != nil {
		return nil, fmt.Errorf("the signature is not valid: %w", err)
	}
	// checkSignature already ensures this. The check repeats it in case
	// goxmldsig reads the document differently.
	if got, _ := attr(signed, "ID"); !isMetadata(signed, "EntitiesDescriptor") || got != id {
		return nil, errors.New("the signature does not cover the root")
	}
	return signed, nil
}

// signer returns the certificate in KeyInfo if it is one of the signers'. Any
// other is ignored, because anyone can put a certificate there.
func signer(signature *etree.Element, signers []Fingerprint) (*x509.Certificate, error) {
	for _, info := range children(signature, "ds:KeyInfo") {
		for _, data := range children(info, "ds:X509Data") {
			for _, el := range children(data, "ds:X509Certificate") {
				certificate, err := parseCertificate(text(el))
				if err == nil && slices.Contains(signers, FingerprintOf(certificate)) {
					return certificate, nil
				}
			}
		}
	}
	return nil, errors.New("not signed with one of the configured certificates")
}

// countID counts the elements with that ID in el and its descendants, in any
// spelling of the attribute name.
func countID(el *etree.Element, id string) int {
	n := 0
	for _, a := range el.Attr {
		if strings.EqualFold(a.Key, "id") && strings.TrimSpace(a.Value) == id {
			n++
		}
	}
	for _, child := range el.ChildElements() {
		n += countID(child, id)
	}
	return n
}

// createdAt returns the creation time of the aggregate, or zero if it is not
// stated (SAML V2.0 Metadata Extensions for Registration and Publication
// Information 1.0, 2.2).
func createdAt(root *etree.Element) (time.Time, error) {
	for _, extensions := range root.ChildElements() {
		if !isMetadata(extensions, "Extensions") {
			continue
		}
		for _, info := range extensions.ChildElements() {
			if info.NamespaceURI() == nsPublication && info.Tag == "PublicationInfo" {
				return metadataInstant(info, "creationInstant")
			}
		}
	}
	return time.Time{}, nil
}

// validity returns the earliest validUntil of el and its ancestors, or zero if
// none of them has one (SAML 2.0 Metadata, 2.3).
func validity(el *etree.Element) (time.Time, error) {
	var end time.Time
	for ; el != nil; el = el.Parent() {
		until, err := metadataInstant(el, "validUntil")
		if err != nil {
			return time.Time{}, err
		}
		if end.IsZero() || !until.IsZero() && until.Before(end) {
			end = until
		}
	}
	return end, nil
}

func metadataInstant(el *etree.Element, key string) (time.Time, error) {
	value, ok := attr(el, key)
	if !ok {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s of %s is not an instant", key, el.Tag)
	}
	return t.UTC(), nil
}

func hasExpired(until, now time.Time) bool { return !until.IsZero() && !now.Before(until) }
