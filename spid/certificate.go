package spid

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Object identifiers of SPID certificates (SPID technical rules, "Metadata",
// "Certificati"; Avviso 29).
var (
	oidURI                    = asn1.ObjectIdentifier{2, 5, 4, 83}
	oidOrganizationIdentifier = asn1.ObjectIdentifier{2, 5, 4, 97}

	oidKeyUsage            = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidBasicConstraints    = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidCertificatePolicies = asn1.ObjectIdentifier{2, 5, 29, 32}
	oidUserNotice          = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 2, 2}

	oidAgID      = asn1.ObjectIdentifier{1, 3, 76, 16, 6}
	oidSPPublic  = asn1.ObjectIdentifier{1, 3, 76, 16, 4, 2, 1}
	oidSPPrivate = asn1.ObjectIdentifier{1, 3, 76, 16, 4, 3, 1}
)

// SelfSigned makes a key of 2048 bits and a certificate for it, see [SelfSign].
func SelfSigned(entityID string, o Organization, notBefore time.Time) (*rsa.PrivateKey, *x509.Certificate, error) {
	key, err := GenerateKey(minRSA)
	if err != nil {
		return nil, nil, err
	}
	certificate, err := SelfSign(key, entityID, o, notBefore)
	return key, certificate, err
}

// SelfSign makes a self-signed certificate with the fields that SPID requires,
// valid for three years from notBefore. Public administrations may use such a
// certificate, and CIE accepts it from all organizations. Private organizations
// get their SPID certificate from AgID with a [CertificateRequest]; for them
// this one is only for tests.
func SelfSign(key crypto.Signer, entityID string, o Organization, notBefore time.Time) (*x509.Certificate, error) {
	subject, err := o.subject(entityID)
	if err != nil {
		return nil, fmt.Errorf("making a SPID certificate: %w", err)
	}
	extensions, err := o.extensions()
	if err != nil {
		return nil, fmt.Errorf("making a SPID certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("making a SPID certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:    serial.Add(serial, big.NewInt(1)),
		Subject:         subject,
		NotBefore:       notBefore.UTC(),
		NotAfter:        notBefore.UTC().AddDate(3, 0, 0),
		ExtraExtensions: extensions,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making a SPID certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("making a SPID certificate: %w", err)
	}
	return certificate, nil
}

// CertificateRequest makes the certificate request, PKCS #10 in DER, with which
// a private organization gets its certificate from AgID (Avviso 23). It has the
// same subject and extensions as the certificate of [SelfSign].
func CertificateRequest(key crypto.Signer, entityID string, o Organization) ([]byte, error) {
	subject, err := o.subject(entityID)
	if err != nil {
		return nil, fmt.Errorf("making a SPID certificate request: %w", err)
	}
	extensions, err := o.extensions()
	if err != nil {
		return nil, fmt.Errorf("making a SPID certificate request: %w", err)
	}
	template := &x509.CertificateRequest{
		SignatureAlgorithm: x509.SHA256WithRSA,
		Subject:            subject,
		ExtraExtensions:    extensions,
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, fmt.Errorf("making a SPID certificate request: %w", err)
	}
	return der, nil
}

// subject returns the subject of the organization's certificate. It contains
// nothing that names a natural person.
func (o Organization) subject(entityID string) (pkix.Name, error) {
	locality, code := cmp.Or(o.Locality, o.Billing.City), cmp.Or(o.VATNumber, o.FiscalCode)
	if o.Public {
		code = o.IPACode
	}
	var errs []error
	for _, part := range []struct{ name, value string }{
		{"entity ID", entityID}, {"name", o.Name}, {"locality", locality},
		{"IPA code, or VAT number or fiscal code if private", code},
	} {
		if part.value == "" {
			errs = append(errs, fmt.Errorf("organization: no %s", part.name))
		}
	}
	return pkix.Name{
		CommonName:   cmp.Or(o.DisplayName, o.Name),
		Organization: []string{o.Name},
		Country:      []string{"IT"},
		Locality:     []string{locality},
		ExtraNames: []pkix.AttributeTypeAndValue{
			{Type: oidURI, Value: entityID},
			{Type: oidOrganizationIdentifier, Value: o.identifier()},
		},
	}, errors.Join(errs...)
}

// identifier returns the organizationIdentifier of the certificate's subject.
func (o Organization) identifier() string {
	switch {
	case o.Public:
		return "PA:IT-" + o.IPACode
	case len(o.VATNumber) > 2:
		return "VAT" + o.VATNumber[:2] + "-" + o.VATNumber[2:]
	default:
		return "CF:IT-" + o.FiscalCode
	}
}

type (
	policy struct {
		ID         asn1.ObjectIdentifier
		Qualifiers []qualifier
	}
	qualifier struct {
		ID     asn1.ObjectIdentifier
		Notice notice
	}
	notice struct {
		Text string `asn1:"utf8"`
	}
)

// extensions returns the extensions of the certificate. They are encoded here
// because crypto/x509 marks basicConstraints as critical, does not support
// policy qualifiers, and writes none of these extensions into a request.
func (o Organization) extensions() ([]pkix.Extension, error) {
	noAuthority, err := asn1.Marshal(struct{}{})
	if err != nil {
		return nil, fmt.Errorf("encoding basicConstraints: %w", err)
	}
	// The first two bits are digitalSignature and nonRepudiation.
	usage, err := asn1.Marshal(asn1.BitString{Bytes: []byte{0b1100_0000}, BitLength: 2})
	if err != nil {
		return nil, fmt.Errorf("encoding keyUsage: %w", err)
	}
	sector := policy{oidSPPrivate, []qualifier{{oidUserNotice, notice{"cert_SP_Priv"}}}}
	if o.Public {
		sector = policy{oidSPPublic, []qualifier{{oidUserNotice, notice{"cert_SP_Pub"}}}}
	}
	policies, err := asn1.Marshal([]policy{{oidAgID, []qualifier{{oidUserNotice, notice{"agIDcert"}}}}, sector})
	if err != nil {
		return nil, fmt.Errorf("encoding certificatePolicies: %w", err)
	}
	return []pkix.Extension{
		{Id: oidKeyUsage, Critical: true, Value: usage},
		{Id: oidBasicConstraints, Value: noAuthority},
		{Id: oidCertificatePolicies, Value: policies},
	}, nil
}
