package main

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"stella/mail/mailtest"
	"stella/spid"
)

// makeKeys creates the files of Stella's keys and returns the age recipient of the
// archive.
func makeKeys(dir, site string) (auditor string, err error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	if err := os.WriteFile(filepath.Join(dir, "stella.key"), []byte(hex.EncodeToString(secret)), 0o600); err != nil {
		return "", err
	}
	o := spid.Organization{Name: "Posta Esempio S.p.A.", DisplayName: "Posta Esempio S.p.A.", VATNumber: "IT01234567897", Locality: "Roma"}
	key, certificate, err := spid.SelfSigned(site, o, time.Now().Add(-time.Hour))
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	if err := writePEM(filepath.Join(dir, "spid.key"), "PRIVATE KEY", der); err != nil {
		return "", err
	}
	if err := writePEM(filepath.Join(dir, "spid.pem"), "CERTIFICATE", certificate.Raw); err != nil {
		return "", err
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return "", err
	}
	return identity.Recipient().String(), nil
}

// makeRelayKeys creates a self-signed certificate for the relay.
func makeRelayKeys(dir string) error {
	cert, ca, err := mailtest.SelfSigned()
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return err
	}
	return errors.Join(
		writePEM(filepath.Join(dir, "relay.key"), "PRIVATE KEY", der),
		os.WriteFile(filepath.Join(dir, "relay.pem"), ca, 0o600))
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
