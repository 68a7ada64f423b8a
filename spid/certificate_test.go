package spid_test

import (
	"bytes"
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
	"time"

	"stella/spid"
)

func TestSelfSigned(t *testing.T) {
	t.Parallel()
	public := organization()
	public.Public, public.IPACode, public.VATNumber = true, "esempio", ""
	for _, c := range []struct {
		organization spid.Organization
		identifier   string
		policy       string
		notice       string
	}{
		{organization(), "VATIT-01234567897", "1.3.76.16.4.3.1", "cert_SP_Priv"},
		{public, "PA:IT-esempio", "1.3.76.16.4.2.1", "cert_SP_Pub"},
	} {
		key, certificate, err := spid.SelfSigned("https://sp.example", c.organization, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature); err != nil {
			t.Error(err)
		}
		if certificate.SignatureAlgorithm != x509.SHA256WithRSA || key.N.BitLen() < 2048 || !key.PublicKey.Equal(certificate.PublicKey) {
			t.Errorf("signed with %s, %d bits", certificate.SignatureAlgorithm, key.N.BitLen())
		}
		if !certificate.NotBefore.Equal(now.Truncate(time.Second)) || !certificate.NotAfter.After(now.AddDate(1, 0, 0)) {
			t.Errorf("valid from %s to %s", certificate.NotBefore, certificate.NotAfter)
		}
		subject := map[string]string{}
		for _, name := range certificate.Subject.Names {
			subject[name.Type.String()] = name.Value.(string)
		}
		want := map[string]string{
			"2.5.4.3": "Società d'Esempio", "2.5.4.10": "Società d'Esempio S.p.A. & Figli", "2.5.4.83": "https://sp.example",
			"2.5.4.97": c.identifier, "2.5.4.6": "IT", "2.5.4.7": "Roma",
		}
		if len(subject) != len(want) {
			t.Errorf("the subject is %v, want %v", subject, want)
		}
		for oid, value := range want {
			if subject[oid] != value {
				t.Errorf("subject %s is %q, want %q", oid, subject[oid], value)
			}
		}
		if certificate.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment || certificate.IsCA {
			t.Errorf("key usage %b, CA %t", certificate.KeyUsage, certificate.IsCA)
		}
		critical := map[string]bool{}
		for _, extension := range certificate.Extensions {
			critical[extension.Id.String()] = extension.Critical
			if extension.Id.String() == "2.5.29.32" && (!bytes.Contains(extension.Value, []byte("agIDcert")) || !bytes.Contains(extension.Value, []byte(c.notice))) {
				t.Errorf("policies without the notices: %q", extension.Value)
			}
		}
		for oid, want := range map[string]bool{"2.5.29.15": true, "2.5.29.19": false, "2.5.29.32": false} {
			if got, ok := critical[oid]; !ok || got != want {
				t.Errorf("extension %s: there %t, critical %t", oid, ok, got)
			}
		}
		var policies []string
		for _, oid := range certificate.Policies {
			policies = append(policies, oid.String())
		}
		if strings.Join(policies, " ") != "1.3.76.16.6 "+c.policy {
			t.Errorf("policies are %v", policies)
		}
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
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
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
		ec          = file("ec.pem", "PRIVATE KEY", pkcs8(elliptical))
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
				t.Errorf("got %v, want it to say %q", err, want)
			}
		}
	}
}
