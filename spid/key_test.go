package spid_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stella/spid"
)

// A new key has a length that SPID allows, and can be loaded again after it was
// written.
func TestGenerateKey(t *testing.T) {
	t.Parallel()
	for _, bits := range []int{0, 1024, 2047, 8192} {
		if _, err := spid.GenerateKey(bits); err == nil {
			t.Errorf("%d bits: want an error", bits)
		}
	}
	key, err := spid.GenerateKey(3072)
	if err != nil || key.N.BitLen() != 3072 {
		t.Fatalf("got a key of %d bits: %v", key.N.BitLen(), err)
	}
	encoded, err := spid.EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := spid.SelfSign(key, "https://sp.example", organization(), now)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keyFile, certFile := filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	for file, content := range map[string][]byte{
		keyFile: encoded, certFile: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}),
	} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if loaded, _, err := spid.LoadKeyPair(keyFile, certFile); err != nil || !key.Equal(loaded) {
		t.Errorf("the loaded key differs: %v", err)
	}
}

func TestLoadKeyPair(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		content := append([]byte("Some words before.\n"), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	key := sp.Key.(*rsa.PrivateKey)
	ellipticKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	providers, err := spid.ParseProviders(idp.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	var (
		good        = file("key.pem", "PRIVATE KEY", pkcs8(key))
		old         = file("old.pem", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
		ec          = file("ec.pem", "PRIVATE KEY", pkcs8(ellipticKey))
		garbage     = file("garbage.pem", "PRIVATE KEY", []byte("garbage"))
		encrypted   = file("encrypted.pem", "ENCRYPTED PRIVATE KEY", []byte("x"))
		certificate = file("cert.pem", "CERTIFICATE", sp.Certificate.Raw)
		other       = file("other.pem", "CERTIFICATE", providers[0].Certificates[0].Raw)
		broken      = file("broken.pem", "CERTIFICATE", []byte("garbage"))
	)
	for _, keyFile := range []string{good, old} {
		signer, loaded, err := spid.LoadKeyPair(keyFile, certificate)
		if err != nil || !loaded.Equal(sp.Certificate) || !key.PublicKey.Equal(signer.Public()) {
			t.Errorf("%s: %v", keyFile, err)
		}
	}
	for _, c := range []struct {
		key, certificate string
		want             []string
	}{
		{filepath.Join(dir, "missing.pem"), certificate, []string{"missing.pem", "no such file"}},
		{good, filepath.Join(dir, "missing.crt"), []string{"missing.crt", "no such file"}},
		{certificate, certificate, []string{"cert.pem", "PRIVATE KEY"}},
		{good, good, []string{"key.pem", "CERTIFICATE"}},
		{garbage, certificate, []string{"garbage.pem", "PKCS"}},
		{encrypted, certificate, []string{"encrypted.pem", "encrypted"}},
		{good, broken, []string{"broken.pem"}},
		{ec, certificate, []string{"ec.pem", "not RSA"}},
		{good, other, []string{"key.pem", "other.pem", "another key"}},
	} {
		_, _, err := spid.LoadKeyPair(c.key, c.certificate)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error with %q", err, want)
			}
		}
	}
}
