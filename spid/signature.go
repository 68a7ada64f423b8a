package spid

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// minRSA is the shortest key SPID lets sign (SPID technical rules, "Metadata").
const minRSA = 2048

// verified returns what the signature of el covers, read again from the signed
// bytes, once one of the certificates verifies it. el is a response or an
// assertion of which checkStructure holds.
func verified(el *etree.Element, certificates []*x509.Certificate, now time.Time) (*etree.Element, error) {
	if err := checkSignature(el); err != nil {
		return nil, err
	}
	id, name := el.SelectAttrValue("ID", ""), qname(el)
	// The namespaces declared further up go with the element.
	scope, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		return nil, reject(ReasonSignatureInvalid, "the namespaces of %s cannot be read", name)
	}
	el, err = etreeutils.NSDetatch(scope, el)
	if err != nil {
		return nil, reject(ReasonSignatureInvalid, "the namespaces of %s cannot be read", name)
	}
	// KeyInfo is the sender's word and is not asked: the key is one of those in
	// the provider's metadata. Official testers leave its certificate empty. It
	// is part of the signature, which the signature does not cover.
	for _, signature := range children(el, "ds:Signature") {
		for _, info := range children(signature, "ds:KeyInfo") {
			signature.RemoveChild(info)
		}
		for _, value := range children(signature, "ds:SignatureValue") {
			value.SetText(withoutSpace(text(value)))
		}
	}
	why := errors.New("the provider has no certificate in force")
	for _, certificate := range certificates {
		key, ok := certificate.PublicKey.(*rsa.PublicKey)
		if !ok || key.N.BitLen() < minRSA {
			continue
		}
		// One at a time: goxmldsig does without KeyInfo only if the choice is
		// one, and a provider that changes its key has two for a while. It
		// refuses a certificate that is not in force at the clock's time.
		context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}})
		context.Clock = dsig.NewFakeClockAt(now)
		signed, err := context.Validate(el)
		if err != nil {
			why = err
			continue
		}
		// So it is by checkSignature; this is in case goxmldsig sees it otherwise.
		if signed == nil || qname(signed) != name || signed.SelectAttrValue("ID", "") != id {
			return nil, reject(ReasonSignatureReference, "the signature covers something else than %s", name)
		}
		return signed, checkStructure(signed)
	}
	return nil, reject(ReasonSignatureInvalid, "no certificate of the provider verifies the signature of %s: %v", name, why)
}

// checkSignature checks the form of el's signature: the profile that SAML 2.0
// Core 5.4 gives and nothing else, since every freedom of XML Signature has been
// used to sign one thing and show another.
func checkSignature(el *etree.Element) error {
	signature, err := only(el, "ds:Signature", ReasonSignaturePlacement)
	if err != nil {
		return err
	}
	if _, err := only(signature, "ds:SignatureValue", ReasonSignatureStructure); err != nil {
		return err
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
	if _, err := only(reference, "ds:DigestValue", ReasonSignatureStructure); err != nil {
		return err
	}
	return checkTransforms(reference)
}

func checkTransforms(reference *etree.Element) error {
	transforms, err := only(reference, "ds:Transforms", ReasonSignatureTransforms)
	if err != nil {
		return err
	}
	var algorithms []string
	for _, transform := range children(transforms, "ds:Transform") {
		alg, _ := attr(transform, "Algorithm")
		algorithms = append(algorithms, alg)
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

// sign puts an enveloped signature of root into it, as its first child, where
// metadata must have it.
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
	root.InsertChildAt(0, signature)
	return nil
}
