package spid_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"stella/spid"
)

func TestSelfSign(t *testing.T) {
	t.Parallel()
	key := sp.Key.(*rsa.PrivateKey) // made by SelfSigned
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
		certificate, err := spid.SelfSign(key, "https://sp.example", c.organization, now)
		if err != nil {
			t.Fatal(err)
		}
		err = certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature)
		if err != nil {
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
			if extension.Id.String() == "2.5.29.32" &&
				(!bytes.Contains(extension.Value, []byte("agIDcert")) || !bytes.Contains(extension.Value, []byte(c.notice))) {
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

// A certificate request has the same subject and extensions as a self-signed
// certificate (SPID technical rules, "Metadata", "Certificati"; Avviso 23 and
// 29).
func TestCertificateRequest(t *testing.T) {
	t.Parallel()
	withoutVAT := organization()
	withoutVAT.VATNumber, withoutVAT.FiscalCode = "", "01234567897"
	for identifier, o := range map[string]spid.Organization{"VATIT-01234567897": organization(), "CF:IT-01234567897": withoutVAT} {
		der, err := spid.CertificateRequest(sp.Key, "https://sp.example", o)
		if err != nil {
			t.Fatal(err)
		}
		request, err := x509.ParseCertificateRequest(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := request.CheckSignature(); err != nil || request.SignatureAlgorithm != x509.SHA256WithRSA {
			t.Errorf("signed with %s: %v", request.SignatureAlgorithm, err)
		}
		if !sp.Key.Public().(*rsa.PublicKey).Equal(request.PublicKey) {
			t.Error("the request is for another key")
		}
		certificate, err := spid.SelfSign(sp.Key, "https://sp.example", o, now)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(request.RawSubject, certificate.RawSubject) {
			t.Errorf("the subject is %s, want %s", request.Subject, certificate.Subject)
		}
		if !bytes.Contains(request.RawSubject, []byte(identifier)) {
			t.Errorf("the subject is %s, want %s in it", certificate.Subject, identifier)
		}
		extensions := map[string]pkix.Extension{}
		for _, extension := range request.Extensions {
			extensions[extension.Id.String()] = extension
		}
		for _, oid := range []string{"2.5.29.15", "2.5.29.19", "2.5.29.32"} {
			i := slices.IndexFunc(certificate.Extensions, func(e pkix.Extension) bool { return e.Id.String() == oid })
			if i < 0 || !reflect.DeepEqual(extensions[oid], certificate.Extensions[i]) {
				t.Errorf("extension %s is %v", oid, extensions[oid])
			}
		}
	}
}

func TestCertificateRequestErrors(t *testing.T) {
	t.Parallel()
	public := organization()
	public.Public = true
	for _, c := range []struct {
		entityID     string
		organization spid.Organization
		want         []string
	}{
		{"", spid.Organization{}, []string{"no entity ID", "no name", "no locality", "VAT number or fiscal code"}},
		{"https://sp.example", public, []string{"no IPA code"}},
	} {
		_, requestErr := spid.CertificateRequest(sp.Key, c.entityID, c.organization)
		_, certificateErr := spid.SelfSign(sp.Key, c.entityID, c.organization, now)
		for _, err := range []error{requestErr, certificateErr} {
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want an error with %q", err, want)
				}
			}
		}
	}
}
