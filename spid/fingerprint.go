package spid

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
)

// A Fingerprint is the SHA-256 digest of a certificate.
type Fingerprint [sha256.Size]byte

// AgID is the fingerprint of the certificate with which AgID signs the registry
// of SPID's identity providers,
// https://registry.spid.gov.it/metadata/idp/spid-entities-idps.xml: CN=AgID,
// VATIT-97735020584, valid until 24 June 2034. Before relying on it, compare it
// with another source, for example with the certificate that AgID gives to a
// service provider when it admits it:
//
//	openssl x509 -noout -fingerprint -sha256 -in agid.pem
//
// String prints it as
// A6:74:54:A2:60:79:5B:EA:0C:84:15:BD:D9:60:3A:6E:5B:10:B8:BB:EC:69:D5:DD:18:34:98:09:9E:A7:9E:5F.
var AgID = Fingerprint{
	0xA6, 0x74, 0x54, 0xA2, 0x60, 0x79, 0x5B, 0xEA, 0x0C, 0x84, 0x15, 0xBD, 0xD9, 0x60, 0x3A, 0x6E,
	0x5B, 0x10, 0xB8, 0xBB, 0xEC, 0x69, 0xD5, 0xDD, 0x18, 0x34, 0x98, 0x09, 0x9E, 0xA7, 0x9E, 0x5F,
}

// FingerprintOf returns the fingerprint of a certificate.
func FingerprintOf(certificate *x509.Certificate) Fingerprint { return sha256.Sum256(certificate.Raw) }

// ParseFingerprint parses 64 hexadecimal digits, in either case, with or
// without colons.
func ParseFingerprint(s string) (Fingerprint, error) {
	digest, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(s), ":", ""))
	if err != nil || len(digest) != sha256.Size {
		return Fingerprint{}, fmt.Errorf("%q is not the SHA-256 fingerprint of a certificate, 64 hexadecimal digits", s)
	}
	return Fingerprint(digest), nil
}

// String returns the digits in pairs, in the format of openssl.
func (f Fingerprint) String() string {
	pairs := make([]string, len(f))
	for i, b := range f {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":")
}
