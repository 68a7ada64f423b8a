package spid_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stella/spid"
)

// Only the key of a provider's certificate is used. A certificate that lists a
// policy twice, like AgID's, is read too; invalid data are not.
func TestProviderCertificate(t *testing.T) {
	t.Parallel()
	type policy struct{ ID asn1.ObjectIdentifier }
	agID := policy{asn1.ObjectIdentifier{1, 3, 76, 16}}
	policies, err := asn1.Marshal([]policy{agID, agID})
	check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now, NotAfter: now.AddDate(60, 0, 0).Truncate(time.Second),
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 32}, Value: policies}}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, sp.Key.Public(), sp.Key)
	check(err)
	if _, err := x509.ParseCertificate(der); err == nil {
		t.Log("crypto/x509 reads it now; der.go can be removed")
	}
	list := func(der []byte) (spid.Providers, error) {
		return spid.ParseProviders(entry("https://a.example", write(certificate, base64.StdEncoding.EncodeToString(der))))
	}
	providers, err := list(der)
	if err != nil {
		t.Fatal(err)
	}
	got := providers[0].Certificates[0]
	if !sp.Key.Public().(*rsa.PublicKey).Equal(got.PublicKey) || !got.NotAfter.Equal(template.NotAfter) ||
		!got.NotBefore.Equal(now.Truncate(time.Second)) ||
		spid.FingerprintOf(got) != sha256.Sum256(der) {
		t.Errorf("got %+v", got)
	}
	// If AgID issued our certificate, it lists the policy twice too.
	dir := t.TempDir()
	keyFile, certFile := filepath.Join(dir, "key"), filepath.Join(dir, "certificate")
	pkcs8, err := x509.MarshalPKCS8PrivateKey(sp.Key)
	check(err)
	check(os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	check(os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	if _, own, err := spid.LoadKeyPair(keyFile, certFile); err != nil || !bytes.Equal(own.Raw, der) {
		t.Errorf("our own certificate is not read: %v", err)
	}
	noKey := bytes.Replace(der, []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x7f"), 1)
	for name, bad := range map[string][]byte{
		"nothing": nil, "cut off": der[:len(der)-1], "more": append(bytes.Clone(der), 0), "a number": {2, 1, 1}, "an unknown key": noKey,
	} {
		if providers, err := list(bad); err == nil {
			t.Errorf("%s is accepted as a certificate: %+v", name, providers[0].Certificates[0])
		}
	}
}
