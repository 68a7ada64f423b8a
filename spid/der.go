package spid

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"
)

// readCertificate parses a certificate of which only the key and the validity
// matter. crypto/x509 rejects the certificate with which AgID signs the
// registry, because it lists a policy twice. If crypto/x509 fails,
// readCertificate reads only the key and the validity. Nothing else is checked,
// because trust comes from the trusted document that contains the certificate
// (SAML V2.0 Metadata Interoperability Profile 1.0, 2.6.1).
func readCertificate(der []byte) (*x509.Certificate, error) {
	certificate, err := x509.ParseCertificate(der)
	if err == nil {
		return certificate, nil
	}
	var bare struct { // RFC 5280, 4.1, up to the key
		TBS struct {
			Version   int `asn1:"optional,explicit,tag:0"`
			Serial    *big.Int
			Algorithm asn1.RawValue
			Issuer    asn1.RawValue
			Validity  struct{ NotBefore, NotAfter time.Time }
			Subject   asn1.RawValue
			Key       asn1.RawValue
		}
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if rest, e := asn1.Unmarshal(der, &bare); e != nil || len(rest) > 0 {
		return nil, err
	}
	key, e := x509.ParsePKIXPublicKey(bare.TBS.Key.FullBytes)
	if e != nil {
		return nil, fmt.Errorf("%w; its key: %w", err, e)
	}
	return &x509.Certificate{Raw: der, PublicKey: key, NotBefore: bare.TBS.Validity.NotBefore, NotAfter: bare.TBS.Validity.NotAfter}, nil
}
