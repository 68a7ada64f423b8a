package spid

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"time"
)

// Object identifiers of SPID certificates (SPID technical rules, "Metadata",
// "Certificati"; Avviso 29).
var (
	oidURI                    = asn1.ObjectIdentifier{2, 5, 4, 83}
	oidOrganizationIdentifier = asn1.ObjectIdentifier{2, 5, 4, 97}

	oidBasicConstraints    = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidCertificatePolicies = asn1.ObjectIdentifier{2, 5, 29, 32}
	oidUserNotice          = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 2, 2}

	oidAgID      = asn1.ObjectIdentifier{1, 3, 76, 16, 6}
	oidSPPublic  = asn1.ObjectIdentifier{1, 3, 76, 16, 4, 2, 1}
	oidSPPrivate = asn1.ObjectIdentifier{1, 3, 76, 16, 4, 3, 1}
)

// SelfSigned makes a key and a certificate with the fields SPID wants, valid
// for three years from notBefore. Public administrations may use such a one;
// private organizations get theirs from AgID (Avviso 23), and this serves them
// for trying things out.
func SelfSigned(entityID string, o Organization, notBefore time.Time) (*rsa.PrivateKey, *x509.Certificate, error) {
	key, err := rsa.GenerateKey(rand.Reader, minRSA)
	if err != nil {
		return nil, nil, fmt.Errorf("making a SPID key: %w", err)
	}
	extensions, err := spidExtensions(o)
	if err != nil {
		return nil, nil, fmt.Errorf("making a SPID certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, fmt.Errorf("making a SPID certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject: pkix.Name{
			CommonName:   cmp.Or(o.DisplayName, o.Name),
			Organization: []string{o.Name},
			Country:      []string{"IT"},
			Locality:     []string{cmp.Or(o.Locality, o.Billing.City)},
			ExtraNames: []pkix.AttributeTypeAndValue{
				{Type: oidURI, Value: entityID},
				{Type: oidOrganizationIdentifier, Value: o.identifier()},
			},
		},
		NotBefore:       notBefore.UTC(),
		NotAfter:        notBefore.UTC().AddDate(3, 0, 0),
		KeyUsage:        x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
		ExtraExtensions: extensions,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("making a SPID certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("making a SPID certificate: %w", err)
	}
	return key, certificate, nil
}

// identifier returns the organizationIdentifier.
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

// spidExtensions returns those that crypto/x509 would write differently: it
// marks basicConstraints as critical, and knows no policy qualifiers.
func spidExtensions(o Organization) ([]pkix.Extension, error) {
	noAuthority, err := asn1.Marshal(struct{}{})
	if err != nil {
		return nil, fmt.Errorf("encoding basicConstraints: %w", err)
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
		{Id: oidBasicConstraints, Value: noAuthority},
		{Id: oidCertificatePolicies, Value: policies},
	}, nil
}

// LoadKeyPair reads a key and its certificate from PEM files and checks that
// SPID allows them and that they belong together.
func LoadKeyPair(keyFile, certFile string) (crypto.Signer, *x509.Certificate, error) {
	der, err := readPEM(keyFile, "PRIVATE KEY", "RSA PRIVATE KEY")
	if err != nil {
		return nil, nil, fmt.Errorf("loading the SPID key: %w", err)
	}
	key, err := parseKey(der)
	if err != nil {
		return nil, nil, fmt.Errorf("loading the SPID key: %s: %w", keyFile, err)
	}
	if der, err = readPEM(certFile, "CERTIFICATE"); err != nil {
		return nil, nil, fmt.Errorf("loading the SPID certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("loading the SPID certificate: %s: %w", certFile, err)
	}
	if err := checkPair(key, certificate); err != nil {
		return nil, nil, fmt.Errorf("loading the SPID key: %s and %s: %w", keyFile, certFile, err)
	}
	return key, certificate, nil
}

// readPEM returns the first block of one of those types.
func readPEM(file string, types ...string) ([]byte, error) {
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil, err // names the file
	}
	var block *pem.Block
	for {
		if block, rest = pem.Decode(rest); block == nil {
			return nil, fmt.Errorf("%s: no PEM block %q", file, types[0])
		}
		for _, t := range types {
			if block.Type == t {
				return block.Bytes, nil
			}
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" {
			return nil, fmt.Errorf("%s: the key is encrypted; decrypt it first", file)
		}
	}
}

func parseKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("not a private key in PKCS #1 or PKCS #8")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key cannot sign")
	}
	return signer, nil
}
