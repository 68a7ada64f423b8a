package spid

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"
)

// readCertificate reads a certificate that is there for its key. AgID's own,
// with which it signs the registry, lists a policy twice, and crypto/x509 does
// not read it; what it does not read is read here for the key and the validity
// alone. Nothing else is asked of a certificate that one trusts for where it
// stands (SAML V2.0 Metadata Interoperability Profile 1.0, 2.6.1).
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
