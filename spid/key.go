package spid

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
)

// GenerateKey makes an RSA signing key of 2048, 3072 or 4096 bits (SPID
// technical rules, "Metadata", "Algoritmi crittografici").
func GenerateKey(bits int) (*rsa.PrivateKey, error) {
	if !slices.Contains([]int{2048, 3072, 4096}, bits) {
		return nil, fmt.Errorf("making a SPID key: %d is not 2048, 3072 or 4096 bits", bits)
	}
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("making a SPID key: %w", err)
	}
	return key, nil
}

// EncodeKey encodes a key as PEM, PKCS #8. [LoadKeyPair] can read it.
func EncodeKey(key *rsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a SPID key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// LoadKeyPair reads a key and its certificate from PEM files. It returns an
// error if SPID does not allow the key or if the certificate belongs to another
// key.
func LoadKeyPair(keyFile, certFile string) (crypto.Signer, *x509.Certificate, error) {
	der, err := readPEM(keyFile, "PRIVATE KEY", "RSA PRIVATE KEY")
	if err != nil {
		return nil, nil, fmt.Errorf("loading the SPID key: %w", err)
	}
	key, err := parseKey(der)
	if err != nil {
		return nil, nil, fmt.Errorf("loading the SPID key: %s: %w", keyFile, err)
	}
	if der, err = readPEM(certFile, "CERTIFICATE"); err != nil {
		return nil, nil, fmt.Errorf("loading the SPID certificate: %w", err)
	}
	certificate, err := readCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("loading the SPID certificate: %s: %w", certFile, err)
	}
	if err := checkPair(key, certificate); err != nil {
		return nil, nil, fmt.Errorf("loading the SPID key: %s and %s: %w", keyFile, certFile, err)
	}
	return key, certificate, nil
}

// readPEM returns the first block with one of the types.
func readPEM(file string, types ...string) ([]byte, error) {
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil, err // err contains the file name
	}
	var block *pem.Block
	for {
		if block, rest = pem.Decode(rest); block == nil {
			return nil, fmt.Errorf("%s: no PEM block %q", file, types[0])
		}
		for _, t := range types {
			if block.Type == t {
				return block.Bytes, nil
			}
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" {
			return nil, fmt.Errorf("%s: the key is encrypted; decrypt it first", file)
		}
	}
}

func parseKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("not a private key in PKCS #1 or PKCS #8")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key cannot sign")
	}
	return signer, nil
}

// checkPair returns an error if SPID does not allow the key or if the
// certificate belongs to another key.
func checkPair(key crypto.Signer, certificate *x509.Certificate) error {
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return errors.New("the key is not RSA")
	}
	if public.N.BitLen() < minRSA {
		return fmt.Errorf("the key has %d bits, less than %d", public.N.BitLen(), minRSA)
	}
	if !public.Equal(certificate.PublicKey) {
		return errors.New("the certificate belongs to another key")
	}
	return nil
}
