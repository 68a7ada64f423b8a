package config_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

// privateKey returns a key in PEM, as "openssl genpkey" writes it.
func privateKey(t *testing.T, key any, err error) []byte {
	t.Helper()
	storetest.Must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	storetest.Must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// shortKey is an RSA key of 512 bits, which Go no longer generates.
const shortKey = `-----BEGIN PRIVATE KEY-----
MIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEAAkEAwL6bqhwjgrdlgGfb
xsRitIvDm+ZO2mf6KSump6KyzpN2BRY5TYTlIimy4voJKiRivD70zRn5TOL/rmjL
SUzEnQIDAQABAkArieL35itPV8Yh31QR7kKtrfSdvsSJKXuk2StoKqRhbSCw6N3a
/a5Zd19tx3gLBzKFiE6TUMhtjsdnyMYpN7UxAiEA/ldxSSBU4o9jkGRLFIWlVRYf
P8PoFtiYTHDn8nG0LEsCIQDCAFhjR1eNacuVb7FGorYEXhGGfZ6xt78qp0MLTVxx
twIhALSL6hUY6GjzlJ/ZMhrdTCH8VC51qPkew+3vcBeAc3/FAiAConKQ1pUvzHIB
U4T6ypbiNEzUoLwY+b/U2nSkoKZSvQIgZYpSgkH6sLZZmXg9PNXNQXqYbQXSmvnZ
alNO2NQnzcY=
-----END PRIVATE KEY-----
`

func edKey(t *testing.T) []byte {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return privateKey(t, key, err)
}

func TestDKIMKeys(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	s, err := c.Check()
	storetest.Must(t, err)
	if s.DKIM != nil {
		t.Error("mails are signed without a key")
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	for name, key := range map[string][]byte{
		"Ed25519":        edKey(t),
		"RSA":            privateKey(t, rsaKey, err),
		"RSA in PKCS #1": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}),
	} {
		c.DKIMSelector, c.DKIMKeyFile = "stella.2026-11", programtest.File(t, "dkim.key", key)
		if s, err := c.Check(); err != nil || s.DKIM == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Invalid DKIM settings are reported at the start, together with all other problems.
func TestInvalidDKIMSettings(t *testing.T) {
	t.Parallel()
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	good, unsupported := edKey(t), privateKey(t, elliptic, err)
	for _, test := range []struct {
		name, selector string
		key            string // a file
		want           []string
	}{
		{"selector alone", "stella", "", []string{"STELLA_DKIM_KEY_FILE is missing"}},
		{"key alone", "", programtest.File(t, "dkim.key", good), []string{"STELLA_DKIM_SELECTOR is missing"}},
		{"a missing key file", "stella", "/nonexistent/dkim.key",
			[]string{"STELLA_DKIM_KEY_FILE: open /nonexistent/dkim.key: no such file or directory"}},
		{"a public key", "stella", programtest.File(t, "dkim.pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})),
			[]string{`STELLA_DKIM_KEY_FILE: reading the DKIM key: unsupported PEM block type "PUBLIC KEY"`}},
		{"no PEM", "stella", programtest.File(t, "dkim.key", []byte("a secret, not a key")),
			[]string{"STELLA_DKIM_KEY_FILE: reading the DKIM key: no valid PEM data found"}},
		{"an unsupported kind of key", "stella", programtest.File(t, "dkim.key", unsupported),
			[]string{"STELLA_DKIM_KEY_FILE: reading the DKIM key: unsupported key type *ecdsa.PrivateKey"}},
		{"a short key", "stella", programtest.File(t, "dkim.key", []byte(shortKey)),
			[]string{"STELLA_DKIM_KEY_FILE: the DKIM key has 512 bits, and 1024 are needed"}},
		{"an invalid selector", "stella; d=other.example", programtest.File(t, "dkim.key", good),
			[]string{`STELLA_DKIM_SELECTOR: "stella; d=other.example": want a valid DNS name`}},
		{"both", "_", "/nonexistent/dkim.key", []string{`STELLA_DKIM_SELECTOR: "_"`, "STELLA_DKIM_KEY_FILE: open /nonexistent"}},
	} {
		c := programtest.GoodConfig(t)
		c.DKIMSelector, c.DKIMKeyFile, c.MailFrom = test.selector, test.key, ""
		_, err := c.Check()
		if err == nil {
			t.Errorf("%s is accepted", test.name)
			continue
		}
		lines := strings.Split(err.Error(), "\n")[1:] // without the line "the configuration has … problems:"
		if want := append([]string{"STELLA_MAIL_FROM is missing"}, test.want...); !beginWith(lines, want) {
			t.Errorf("%s: %q, want %q", test.name, lines, want)
		}
		if strings.Contains(err.Error(), "a secret, not a key") {
			t.Errorf("%s: the error shows the key: %v", test.name, err)
		}
	}
}

// beginWith reports whether each line begins with the wanted text.
func beginWith(lines, wanted []string) bool {
	for i, line := range lines {
		if len(lines) != len(wanted) || !strings.HasPrefix(line, wanted[i]) {
			return false
		}
	}
	return len(lines) > 0
}

func TestEHLOName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, public, want string }{
		{"", "https://identita.gestore.example", "identita.gestore.example"},
		{"", "https://identita.gestore.example:8443", "identita.gestore.example"},
		{"mail.gestore.example", "https://identita.gestore.example", "mail.gestore.example"},
		{"", "http://localhost:8080", ""}, // EHLO contains the connection's address
		{"", "https://10.1.2.3", ""},
		{"", "https://stella", ""},
	} {
		c := programtest.GoodConfig(t)
		c.SMTPEHLOName, c.PublicURL, c.PECSMTPURL = test.name, test.public, "smtp://pec-relay.example"
		s, err := c.Check()
		storetest.Must(t, err)
		if s.Relay.Name != test.want || s.PECRelay.Name != test.want {
			t.Errorf("%q at %s: the EHLO names are %q and %q, want %q", test.name, test.public, s.Relay.Name, s.PECRelay.Name, test.want)
		}
	}
	for _, name := range []string{"stella_web_1", "9f1c2a7b3d4e", "10.1.2.3", "posta.", "a b.example"} {
		c := programtest.GoodConfig(t)
		c.SMTPEHLOName = name
		if _, err := c.Check(); err == nil || !strings.Contains(err.Error(), "STELLA_SMTP_EHLO_NAME") ||
			!strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
