package floor

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
)

// isRequest reports whether a URL sends a holder to the identity provider.
func isRequest(location string) bool { return strings.Contains(location, "SAMLRequest=") }

// A requester makes requests to the identity provider from a recorded one. Only the ID,
// the time and the signature differ.
type requester struct {
	endpoint string
	xml      string
	sigAlg   string
	key      *rsa.PrivateKey
}

func newRequester(location, keyFile string) (r requester, err error) {
	endpoint, query, _ := strings.Cut(location, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return r, err
	}
	compressed, err := base64.StdEncoding.DecodeString(values.Get("SAMLRequest"))
	if err != nil {
		return r, err
	}
	xml, err := io.ReadAll(flate.NewReader(bytes.NewReader(compressed)))
	if err != nil {
		return r, err
	}
	key, err := readKey(keyFile)
	return requester{endpoint, string(xml), values.Get("SigAlg"), key}, err
}

func readKey(file string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s contains no key", file)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s contains no RSA key", file)
	}
	return key, nil
}

var (
	requestID   = regexp.MustCompile(` ID="[^"]*"`)
	requestTime = regexp.MustCompile(` IssueInstant="[^"]*"`)
)

// location returns the URL of a new request. It costs one RSA signature.
func (r requester) location(relayState string) (string, error) {
	xml := requestID.ReplaceAllLiteralString(r.xml, ` ID="_`+rand.Text()+`"`)
	xml = requestTime.ReplaceAllLiteralString(xml, ` IssueInstant="`+time.Now().UTC().Format("2006-01-02T15:04:05Z")+`"`)
	var compressed bytes.Buffer
	w, err := flate.NewWriter(&compressed, flate.BestSpeed)
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(w, xml); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(compressed.Bytes())) +
		"&RelayState=" + url.QueryEscape(relayState) + "&SigAlg=" + url.QueryEscape(r.sigAlg)
	digest := sha256.Sum256([]byte(query))
	signature, err := r.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	return r.endpoint + "?" + query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature)), err
}

var (
	signatureValue = regexp.MustCompile(`SignatureValue>([^<]+)<`)
	certificate    = regexp.MustCompile(`X509Certificate>([^<]+)<`)
)

// A verifier verifies the signatures of responses.
type verifier struct{ keys sync.Map } // by certificate

// verify does the RSA operations of a response. It does not compare their result, because
// the floor does not normalise XML.
func (v *verifier) verify(response string) error {
	xml, err := base64.StdEncoding.DecodeString(response)
	if err != nil {
		return err
	}
	signatures := signatureValue.FindAllSubmatch(xml, -1)
	named := certificate.FindSubmatch(xml)
	if len(signatures) != 2 || named == nil {
		return fmt.Errorf("the response has %d signatures, and not two", len(signatures))
	}
	key, err := v.key(string(named[1]))
	if err != nil {
		return err
	}
	digest := sha256.Sum256(xml)
	for _, s := range signatures {
		signature, err := base64.StdEncoding.DecodeString(string(s[1]))
		if err != nil {
			return err
		}
		_ = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
	}
	return nil
}

func (v *verifier) key(encoded string) (*rsa.PublicKey, error) {
	if known, ok := v.keys.Load(encoded); ok {
		return known.(*rsa.PublicKey), nil
	}
	der, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("the response has no RSA key")
	}
	v.keys.Store(encoded, key)
	return key, nil
}
