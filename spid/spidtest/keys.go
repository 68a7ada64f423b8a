package spidtest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/url"
	"time"

	"stella/spid"
)

type keyPair struct {
	private     *rsa.PrivateKey
	certificate *x509.Certificate
}

func (p *Provider) newKey() (keyPair, error) {
	organization := spid.Organization{Name: p.config.Name, VATNumber: "IT01234567897", Locality: "Roma"}
	private, certificate, err := spid.SelfSigned(p.EntityID(), organization, p.config.Now().Add(-time.Hour))
	return keyPair{private, certificate}, err
}

// Metadata returns the current signed metadata of the provider.
func (p *Provider) Metadata() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.metadata)
}

// Rotate does the next of the three steps of a key change: first the metadata
// list the next key in addition to the signing key, then the next key signs,
// then the previous key is no longer listed.
func (p *Provider) Rotate() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.keys) == 1:
		key, err := p.newKey()
		if err != nil {
			return fmt.Errorf("identity provider: %w", err)
		}
		p.keys = append(p.keys, key)
	case p.signing == 0:
		p.signing = 1
	default:
		p.keys, p.signing = p.keys[1:], 0
	}
	metadata, err := p.describe()
	if err != nil {
		return fmt.Errorf("identity provider: %w", err)
	}
	p.metadata = metadata
	return nil
}

func (p *Provider) signingKey() keyPair {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[p.signing]
}

// SignQuery signs a query such as SAMLRequest=…&RelayState=… and returns it
// with the signature (SAML 2.0 Bindings, 3.4.4.1).
func (p *Provider) SignQuery(query string) (string, error) {
	query += "&SigAlg=" + url.QueryEscape(sigAlg)
	digest := sha256.Sum256([]byte(query))
	signature, err := p.signingKey().private.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("signing a query: %w", err)
	}
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature)), nil
}
