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

// minRSA is the smallest RSA key that SPID allows for signatures (SPID
// technical rules, "Metadata"), in bits.
const minRSA = 2048

// Bounds of a signature. goxmldsig processes these values before it can reject
// a signature. They fit the base64 of an 8,192-bit signature and of a SHA-512
// digest, both with line breaks, and more prefixes than a response declares.
const (
	maxSignature = 2 << 10
	maxDigest    = 256
	maxPrefixes  = 20
)

// verified verifies the signature of el with the provider's certificates. It
// returns the signed element, parsed again from the signed bytes, and the time
// at which the certificate expired, or zero if it is still valid. el is a
// response or an assertion that has passed checkStructure.
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
		// One at a time: without KeyInfo, goxmldsig needs a store with exactly
		// one certificate, and a provider that is changing its key has two. Its
		// clock is set to a time at which the certificate is valid, because
		// usable has already checked the validity.
		context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}})
		context.Clock = dsig.NewFakeClockAt(certificate.NotAfter)
		signed, err := context.Validate(el)
		if errors.Is(err, rsa.ErrVerification) {
			why = "it is not made with a key of the provider"
			continue
		}
		if err != nil { // err may contain text of the sender, so it is not used
			why = "it is malformed, or what was signed has been changed"
			continue
		}
		// checkSignature already ensures this. The check repeats it in case
		// goxmldsig reads the document differently.
		if got, _ := attr(signed, "ID"); qname(signed) != name || got != id {
			return nil, expired, reject(ReasonSignatureReference, "the signature does not cover %s", name)
		}
		if v.now.After(certificate.NotAfter) {
			expired = certificate.NotAfter.UTC()
		}
		return signed, expired, checkStructure(signed)
	}
	return nil, expired, reject(ReasonSignatureInvalid, "the signature of %s is not valid: %s", name, why)
}

// detached returns a copy of el for goxmldsig, with the namespaces declared by
// its ancestors and without KeyInfo. KeyInfo is the sender's claim and is
// ignored, because the key must be one of those in the provider's metadata.
// Official testers leave its certificate empty. Removing it does not break the
// signature, which does not cover KeyInfo.
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

// usable returns the certificates that may verify a signature, in the order in
// which to try them: first those that are valid, then those that have expired,
// because some providers keep signing with them until the registry lists the
// successor. It never returns a certificate that is not yet valid.
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

// checkSignature checks the form of el's signature. It accepts only the profile
// of SAML 2.0 Core, 5.4, because attackers have used each optional feature of
// XML Signature to sign one thing and show another.
func checkSignature(el *etree.Element) error {
	signature, err := onlyChild(el, "ds:Signature", ReasonSignaturePlacement)
	if err != nil {
		return err
	}
	value, err := onlyChild(signature, "ds:SignatureValue", ReasonSignatureStructure)
	if err != nil {
		return err
	}
	if len(text(value)) > maxSignature {
		return reject(ReasonSignatureStructure, "a signature of more than %d characters", maxSignature)
	}
	info, err := onlyChild(signature, "ds:SignedInfo", ReasonSignatureStructure)
	if err != nil {
		return err
	}
	if err := algorithm(info, "ds:CanonicalizationMethod", algExclusive); err != nil {
		return err
	}
	if err := algorithm(info, "ds:SignatureMethod", algRSASHA256, algRSASHA384, algRSASHA512); err != nil {
		return err
	}
	reference, err := onlyChild(info, "ds:Reference", ReasonSignatureReference)
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
	sum, err := onlyChild(reference, "ds:DigestValue", ReasonSignatureStructure)
	if err != nil {
		return err
	}
	if len(text(sum)) > maxDigest {
		return reject(ReasonSignatureStructure, "a digest of more than %d characters", maxDigest)
	}
	return checkTransforms(reference)
}

func checkTransforms(reference *etree.Element) error {
	transforms, err := onlyChild(reference, "ds:Transforms", ReasonSignatureTransforms)
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
	el, err := onlyChild(parent, name, ReasonSignatureStructure)
	if err != nil {
		return err
	}
	if alg, _ := attr(el, "Algorithm"); !slices.Contains(allowed, alg) {
		return reject(ReasonSignatureAlgorithm, "%s is not one SPID allows", name)
	}
	return nil
}

// sign adds an enveloped signature to root: after its Issuer, as messages
// require, or as its first child, as metadata require.
func sign(root *etree.Element, key crypto.Signer, certificate *x509.Certificate) error {
	context, err := dsig.NewSigningContext(key, [][]byte{certificate.Raw})
	if err != nil {
		return fmt.Errorf("preparing the signature: %w", err)
	}
	context.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	// A copy, because the canonicalizer changes its argument. SignEnveloped is
	// not used, because the signature that it appends has no parent and cannot
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
