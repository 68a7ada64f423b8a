package spid

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// minRSA is the shortest key SPID lets sign (SPID technical rules, "Metadata").
const minRSA = 2048

// Bounds of a signature, of which goxmldsig does work before it can fail: the
// base64 of a key of 8,192 bits and of SHA-512, both with line breaks, and more
// prefixes than a response declares.
const (
	maxSignature = 2 << 10
	maxDigest    = 256
	maxPrefixes  = 20
)

// verified returns what the signature of el covers, read again from the signed
// bytes, once one of the provider's certificates verifies it, and when that
// certificate expired, if it has. el is a response or an assertion of which
// checkStructure holds.
func (v verification) verified(el *etree.Element) (*etree.Element, time.Time, error) {
	var expired time.Time
	if err := checkSignature(el); err != nil {
		return nil, expired, err
	}
	name := qname(el)
	id, _ := attr(el, "ID")
	el, err := detached(el)
	if err != nil {
		return nil, expired, err
	}
	why := "the provider has no certificate that may sign"
	for _, certificate := range usable(v.provider.Certificates, v.now) {
		// One at a time: goxmldsig does without KeyInfo only if the choice is
		// one, and a provider that changes its key has two for a while. Its
		// clock stands where the certificate is in force, which is judged here.
		context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}})
		context.Clock = dsig.NewFakeClockAt(certificate.NotAfter)
		signed, err := context.Validate(el)
		if errors.Is(err, rsa.ErrVerification) {
			why = "it is not made with a key of the provider"
			continue
		}
		if err != nil { // which may hold what the sender wrote
			why = "it is malformed, or what was signed has been changed"
			continue
		}
		// So it is by checkSignature; this is in case goxmldsig sees it otherwise.
		if got, _ := attr(signed, "ID"); qname(signed) != name || got != id {
			return nil, expired, reject(ReasonSignatureReference, "the signature covers something else than %s", name)
		}
		if v.now.After(certificate.NotAfter) {
			expired = certificate.NotAfter.UTC()
		}
		return signed, expired, checkStructure(signed)
	}
	return nil, expired, reject(ReasonSignatureInvalid, "the signature of %s does not hold: %s", name, why)
}

// detached returns a copy of el as goxmldsig is to see it: with the namespaces
// that are declared further up, and without KeyInfo. That is the sender's word
// and is not asked, since the key is one of those in the provider's metadata;
// official testers leave its certificate empty. It is part of the signature,
// which the signature does not cover.
func detached(el *etree.Element) (*etree.Element, error) {
	scope, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		return nil, reject(ReasonSignatureInvalid, "the namespaces of %s cannot be read", qname(el))
	}
	detached, err := etreeutils.NSDetatch(scope, el)
	if err != nil {
		return nil, reject(ReasonSignatureInvalid, "the namespaces of %s cannot be read", qname(el))
	}
	for _, signature := range children(detached, "ds:Signature") {
		for _, info := range children(signature, "ds:KeyInfo") {
			signature.RemoveChild(info)
		}
		for _, value := range children(signature, "ds:SignatureValue") {
			value.SetText(withoutSpace(text(value)))
		}
	}
	return detached, nil
}

// usable returns the certificates whose key may sign, in the order to try them:
// those in force, and then those that have expired, which some providers go on
// signing with until the registry lists their successor. One that is not yet in
// force is never used.
func usable(certificates []*x509.Certificate, now time.Time) []*x509.Certificate {
	var inForce, expired []*x509.Certificate
	for _, certificate := range certificates {
		key, ok := certificate.PublicKey.(*rsa.PublicKey)
		switch {
		case !ok || key.N.BitLen() < minRSA || now.Before(certificate.NotBefore):
		case now.After(certificate.NotAfter):
			expired = append(expired, certificate)
		default:
			inForce = append(inForce, certificate)
		}
	}
	return append(inForce, expired...)
}

// checkSignature checks the form of el's signature: the profile that SAML 2.0
// Core 5.4 gives and nothing else, since every freedom of XML Signature has been
// used to sign one thing and show another.
func checkSignature(el *etree.Element) error {
	signature, err := only(el, "ds:Signature", ReasonSignaturePlacement)
	if err != nil {
		return err
	}
	value, err := only(signature, "ds:SignatureValue", ReasonSignatureStructure)
	if err != nil {
		return err
	}
	if len(text(value)) > maxSignature {
		return reject(ReasonSignatureStructure, "a signature of more than %d characters", maxSignature)
	}
	info, err := only(signature, "ds:SignedInfo", ReasonSignatureStructure)
	if err != nil {
		return err
	}
	if err := algorithm(info, "ds:CanonicalizationMethod", algExclusive); err != nil {
		return err
	}
	if err := algorithm(info, "ds:SignatureMethod", algRSASHA256, algRSASHA384, algRSASHA512); err != nil {
		return err
	}
	reference, err := only(info, "ds:Reference", ReasonSignatureReference)
	if err != nil {
		return err
	}
	id, _ := attr(el, "ID")
	if uri, _ := attr(reference, "URI"); uri != "#"+id {
		return reject(ReasonSignatureReference, "the signature in %s does not refer to it", qname(el))
	}
	if err := algorithm(reference, "ds:DigestMethod", algSHA256, algSHA384, algSHA512); err != nil {
		return err
	}
	sum, err := only(reference, "ds:DigestValue", ReasonSignatureStructure)
	if err != nil {
		return err
	}
	if len(text(sum)) > maxDigest {
		return reject(ReasonSignatureStructure, "a digest of more than %d characters", maxDigest)
	}
	return checkTransforms(reference)
}

func checkTransforms(reference *etree.Element) error {
	transforms, err := only(reference, "ds:Transforms", ReasonSignatureTransforms)
	if err != nil {
		return err
	}
	var algorithms []string
	prefixes := 0
	for _, transform := range children(transforms, "ds:Transform") {
		alg, _ := attr(transform, "Algorithm")
		algorithms = append(algorithms, alg)
		for _, inclusive := range children(transform, "ec:InclusiveNamespaces") {
			list, _ := attr(inclusive, "PrefixList")
			prefixes += 1 + len(strings.Fields(list))
		}
	}
	if prefixes > maxPrefixes {
		return reject(ReasonSignatureTransforms, "more than %d inclusive namespaces", maxPrefixes)
	}
	if !slices.Equal(algorithms, []string{algEnveloped, algExclusive}) {
		return reject(ReasonSignatureTransforms, "transforms other than enveloped signature and exclusive canonical XML")
	}
	return nil
}

func algorithm(parent *etree.Element, name string, allowed ...string) error {
	el, err := only(parent, name, ReasonSignatureStructure)
	if err != nil {
		return err
	}
	if alg, _ := attr(el, "Algorithm"); !slices.Contains(allowed, alg) {
		return reject(ReasonSignatureAlgorithm, "%s is not one SPID allows", name)
	}
	return nil
}

// sign puts an enveloped signature of root into it: after its issuer, where a
// message must have it, or as its first child, as metadata must.
func sign(root *etree.Element, key crypto.Signer, certificate *x509.Certificate) error {
	context, err := dsig.NewSigningContext(key, [][]byte{certificate.Raw})
	if err != nil {
		return fmt.Errorf("preparing the signature: %w", err)
	}
	context.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	// A copy, because the canonicalizer changes what it is given. Not
	// SignEnveloped, because the signature it appends has no parent and cannot
	// be moved.
	signature, err := context.ConstructSignature(root.Copy(), true)
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	place := 0
	if issuer := root.SelectElement("Issuer"); issuer != nil {
		place = issuer.Index() + 1
	}
	root.InsertChildAt(place, signature)
	return nil
}
