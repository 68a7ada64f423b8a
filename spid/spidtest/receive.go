package spidtest

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

const (
	sigAlg     = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	maxRequest = 64 << 10
)

// receive reads a request from a signed query. The error is a *refusal, or a
// *fault together with the request to which it must be reported.
func (p *Provider) receive(rawQuery string) (*request, error) {
	parts, err := split(rawQuery)
	if err != nil {
		return nil, err
	}
	document, err := inflate(parts["SAMLRequest"])
	if err != nil {
		return nil, &refusal{4, "SAMLRequest manca o non si legge"}
	}
	descriptor, err := p.serviceProvider()
	if err != nil {
		return nil, &refusal{10, "i metadati del servizio non si leggono"}
	}
	if err := checkQuery("SAMLRequest", parts, descriptor); err != nil {
		return nil, err
	}
	root, err := parse(document)
	if err != nil {
		return nil, &refusal{4, "SAMLRequest non è una richiesta SAML"}
	}
	relayState, err := url.QueryUnescape(parts["RelayState"])
	if err != nil {
		return nil, &refusal{4, "RelayState non si legge"}
	}
	req, err := p.accept(root, descriptor, relayState, p.redirectURL())
	if err == nil && root.SelectElement("Signature") != nil { // HTTP-Redirect signs the query instead
		err = &fault{"nr08", "Requester", ""}
	}
	return req, err
}

// receiveForm reads a request with an enveloped signature from a form. It
// returns the same errors as receive.
func (p *Provider) receiveForm(form url.Values) (*request, error) {
	document, err := base64.StdEncoding.DecodeString(form.Get("SAMLRequest"))
	if err != nil {
		return nil, &refusal{4, "SAMLRequest manca o non si legge"}
	}
	descriptor, err := p.serviceProvider()
	if err != nil {
		return nil, &refusal{10, "i metadati del servizio non si leggono"}
	}
	root, err := parse(document)
	if err != nil {
		return nil, &refusal{4, "SAMLRequest non è una richiesta SAML"}
	}
	if len(root.SelectElements("Signature")) != 1 {
		return nil, &refusal{5, "la richiesta non è firmata"}
	}
	if err := p.checkSignature(root, descriptor); err != nil {
		return nil, err
	}
	return p.accept(root, descriptor, form.Get("RelayState"), p.postURL())
}

// accept checks a request after its signature was verified.
func (p *Provider) accept(root *etree.Element, descriptor *saml.EntityDescriptor, relayState, location string) (*request, error) {
	if issuer := childText(root, "Issuer"); issuer != descriptor.EntityID {
		return nil, &refusal{10, "il servizio è sconosciuto"}
	}
	// The relay state is mandatory and must not reveal the requested resource
	// (SPID technical rules, "Trasmissione dei messaggi"; spid-sp-test,
	// test_RelayState).
	if relayState == "" || strings.Contains(relayState, "http") {
		return nil, &refusal{4, "RelayState manca o rivela il servizio"}
	}
	req := p.extract(root, descriptor)
	req.relayState = relayState
	return req, p.check(root, descriptor, location)
}

// read reads a request without checking it.
func (p *Provider) read(document []byte) (*request, error) {
	descriptor, err := p.serviceProvider()
	if err != nil {
		return nil, err
	}
	root, err := parse(document)
	if err != nil {
		return nil, err
	}
	return p.extract(root, descriptor), nil
}

// A service is the cached metadata of the service provider.
type service struct {
	metadata   []byte
	descriptor *saml.EntityDescriptor // never modified
}

// serviceProvider reads the service provider's metadata. It parses them only if
// they have changed.
func (p *Provider) serviceProvider() (*saml.EntityDescriptor, error) {
	metadata, err := p.config.ServiceProvider()
	if err != nil {
		return nil, fmt.Errorf("getting the service provider's metadata: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.service.descriptor != nil && bytes.Equal(metadata, p.service.metadata) {
		return p.service.descriptor, nil
	}
	var descriptor saml.EntityDescriptor
	if err := xml.Unmarshal(metadata, &descriptor); err != nil {
		return nil, fmt.Errorf("reading the service provider's metadata: %w", err)
	}
	if len(descriptor.SPSSODescriptors) == 0 || len(descriptor.SPSSODescriptors[0].AssertionConsumerServices) == 0 {
		return nil, errors.New("reading the service provider's metadata: no assertion consumer service")
	}
	p.service = service{metadata, &descriptor}
	return &descriptor, nil
}

func inflate(parameter string) ([]byte, error) {
	encoded, err := url.QueryUnescape(parameter)
	if err != nil {
		return nil, fmt.Errorf("unescaping: %w", err)
	}
	deflated, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	document, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflated)), maxRequest))
	if err != nil {
		return nil, fmt.Errorf("inflating: %w", err)
	}
	return document, nil
}

func parse(document []byte) (*etree.Element, error) {
	doc := etree.NewDocument()
	doc.ReadSettings.MaxDepth = 16
	if err := doc.ReadFromBytes(document); err != nil {
		return nil, fmt.Errorf("reading a SAML request: %w", err)
	}
	root := doc.Root()
	if root == nil || root.Tag != "AuthnRequest" || root.NamespaceURI() != nsProtocol {
		return nil, errors.New("reading a SAML request: not an AuthnRequest")
	}
	return root, nil
}

// split returns the parameters of a query as they were sent, because the
// signature covers the escaped form.
func split(rawQuery string) (map[string]string, error) {
	parts := map[string]string{}
	for part := range strings.SplitSeq(rawQuery, "&") {
		key, value, _ := strings.Cut(part, "=")
		if _, repeated := parts[key]; repeated {
			return nil, &refusal{4, "un parametro è ripetuto"}
		}
		parts[key] = value
	}
	return parts, nil
}

// checkQuery verifies the signature of the query over a message in a parameter,
// with the keys in the service provider's metadata (SAML 2.0 Bindings, 3.4.4.1).
func checkQuery(parameter string, parts map[string]string, descriptor *saml.EntityDescriptor) error {
	alg, err := url.QueryUnescape(parts["SigAlg"])
	if err != nil || alg != sigAlg {
		return &refusal{5, "la richiesta non è firmata con rsa-sha256"}
	}
	encoded, err := url.QueryUnescape(parts["Signature"])
	if err != nil {
		return &refusal{5, "la firma non si legge"}
	}
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return &refusal{5, "la firma non si legge"}
	}
	signed := parameter + "=" + parts[parameter]
	if relayState, ok := parts["RelayState"]; ok {
		signed += "&RelayState=" + relayState
	}
	signed += "&SigAlg=" + parts["SigAlg"]
	digest := sha256.Sum256([]byte(signed))
	for _, certificate := range certificates(descriptor) {
		public, ok := certificate.PublicKey.(*rsa.PublicKey)
		if ok && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil {
			return nil
		}
	}
	return &refusal{7, "la firma della richiesta non è valida"}
}

// checkSignature verifies the enveloped signature of a request.
func (p *Provider) checkSignature(root *etree.Element, descriptor *saml.EntityDescriptor) error {
	for _, certificate := range certificates(descriptor) {
		context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}})
		context.Clock = dsig.NewFakeClockAt(p.now())
		if _, err := context.Validate(root); err == nil {
			return nil
		}
	}
	return &refusal{7, "la firma della richiesta non è valida"}
}

// certificates returns the certificates in the service provider's metadata.
func certificates(descriptor *saml.EntityDescriptor) []*x509.Certificate {
	var all []*x509.Certificate
	for _, key := range descriptor.SPSSODescriptors[0].KeyDescriptors {
		for _, data := range key.KeyInfo.X509Data.X509Certificates {
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data.Data), ""))
			if err != nil {
				continue
			}
			if certificate, err := x509.ParseCertificate(der); err == nil {
				all = append(all, certificate)
			}
		}
	}
	return all
}
