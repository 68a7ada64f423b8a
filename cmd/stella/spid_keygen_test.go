package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"stella/cmd/stella/programtest"
	"stella/spid"
	"stella/store/storetest"
)

// keygen runs "stella spid keygen" for the organization of a valid configuration, in a
// new folder.
func keygen(t *testing.T, args ...string) (dir string, r result) {
	t.Helper()
	c := programtest.GoodConfig(t)
	dir = t.TempDir()
	env := append(programtest.Environ(c.OrganizationConfig), "STELLA_PUBLIC_URL="+c.PublicURL)
	return dir, stella(t, env, append([]string{"spid", "keygen", dir + "/spid.key"}, args...)...)
}

func readBlock(t *testing.T, file, kind string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	storetest.Must(t, err)
	block, rest := pem.Decode(text)
	if block == nil || block.Type != kind || len(rest) > 0 {
		t.Fatalf("%s contains %.60q", file, text)
	}
	return block.Bytes
}

func TestKeygen(t *testing.T) {
	t.Parallel()
	dir, r := keygen(t)
	if out := r.succeeds(t); !strings.HasPrefix(out, dir+"/spid.key: the key, ") ||
		!strings.Contains(out, dir+"/spid.csr: the request. Send it to AgID") || !strings.Contains(out, "stella spid metadata") {
		t.Errorf("%q", out)
	}
	request, err := x509.ParseCertificateRequest(readBlock(t, dir+"/spid.csr", "CERTIFICATE REQUEST"))
	storetest.Must(t, err)
	storetest.Must(t, request.CheckSignature())
	names := map[string]any{}
	for _, n := range request.Subject.Names {
		names[n.Type.String()] = n.Value
	}
	if names["2.5.4.83"] != "https://id.example" || names["2.5.4.97"] != "VATIT-01234567897" ||
		names["2.5.4.7"] != "Roma" || names["2.5.4.10"] != "Posta Esempio S.p.A." {
		t.Errorf("the subject is %v", names)
	}
	key, err := x509.ParsePKCS8PrivateKey(readBlock(t, dir+"/spid.key", "PRIVATE KEY"))
	storetest.Must(t, err)
	if bits := key.(*rsa.PrivateKey).N.BitLen(); bits != 3072 {
		t.Errorf("the key has %d bits", bits)
	}
	if !reflect.DeepEqual(request.PublicKey, key.(crypto.Signer).Public()) {
		t.Error("the request is for another key")
	}
	if info, err := os.Stat(dir + "/spid.key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
}

func TestKeygenSelfSigned(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	c.OrganizationVATNumber, c.OrganizationIPACode = "", "c_h501"
	dir := t.TempDir()
	env := append(programtest.Environ(c.OrganizationConfig), "STELLA_PUBLIC_URL="+c.PublicURL)
	r := stella(t, env, "spid", "keygen", dir+"/spid.key", "--self-signed", "--organization-locality=Milano")
	if out := r.succeeds(t); !strings.Contains(out, dir+"/spid.pem: its certificate, valid for three years") {
		t.Errorf("%q", out)
	}
	_, certificate, err := spid.LoadKeyPair(dir+"/spid.key", dir+"/spid.pem")
	storetest.Must(t, err)
	if subject := certificate.Subject.String(); !strings.Contains(subject, "Milano") ||
		time.Until(certificate.NotAfter) < 1000*24*time.Hour || time.Until(certificate.NotBefore) > 0 {
		t.Errorf("%s, from %v to %v", subject, certificate.NotBefore, certificate.NotAfter)
	}
}

func TestKeygenDoesNotOverwrite(t *testing.T) {
	t.Parallel()
	for _, there := range []string{"spid.key", "spid.csr"} {
		c := programtest.GoodConfig(t)
		dir := t.TempDir()
		storetest.Must(t, os.WriteFile(dir+"/"+there, []byte("precious"), 0o600))
		env := append(programtest.Environ(c.OrganizationConfig), "STELLA_PUBLIC_URL="+c.PublicURL)
		stella(t, env, "spid", "keygen", dir+"/spid.key").fails(t, 1, dir+"/"+there+" already exists, and is not overwritten")
		if text, err := os.ReadFile(dir + "/" + there); err != nil || string(text) != "precious" {
			t.Errorf("%s now contains %q (%v)", there, text, err)
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
			t.Errorf("the folder contains %v (%v)", files, err)
		}
	}
}

func TestKeygenReportsMissingValues(t *testing.T) {
	t.Parallel()
	stella(t, nil, "spid", "keygen", t.TempDir()+"/spid.key").fails(t, 1, `the configuration has 6 problems:
STELLA_PUBLIC_URL (or STELLA_SPID_ENTITY_ID) is missing
STELLA_ORGANIZATION_NAME is missing
STELLA_ORGANIZATION_URL is missing
STELLA_ORGANIZATION_EMAIL is missing
STELLA_ORGANIZATION_VAT_NUMBER (or STELLA_ORGANIZATION_FISCAL_CODE, or for a public administration STELLA_ORGANIZATION_IPA_CODE) is missing
STELLA_ORGANIZATION_LOCALITY (or STELLA_BILLING_CITY) is missing`)
	dir, r := keygen(t, "--organization-vat-number=01234567897")
	if r.status != 1 || !strings.Contains(r.err, `"01234567897" is no VAT number`) {
		t.Errorf("%+v", r)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("the folder contains %v (%v)", files, err)
	}
}
