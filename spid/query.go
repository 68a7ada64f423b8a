package spid

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
)

// deflaters are kept because a new one takes 800 kB, at the cost of a fifth of a
// signature. The best speed makes a URL of 1,100 bytes longer by 20.
var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is not one
	}
	return w
}}

// signedQuery returns the query that takes a message in that parameter by
// HTTP-Redirect, with its relay state if any. What is signed is the query as it
// is sent (SAML 2.0 Bindings, 3.4.4.1).
func (sp *ServiceProvider) signedQuery(parameter string, message []byte, relayState string) (string, error) {
	var deflated bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&deflated)
	if _, err := w.Write(message); err != nil {
		return "", fmt.Errorf("deflating: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("deflating: %w", err)
	}
	query := parameter + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflated.Bytes()))
	if relayState != "" {
		query += "&RelayState=" + url.QueryEscape(relayState)
	}
	query += "&SigAlg=" + url.QueryEscape(algRSASHA256)
	signature, err := sp.Key.Sign(rand.Reader, digest(crypto.SHA256, query), crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("signing the query: %w", err)
	}
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature)), nil
}

// withQuery appends a query to a URL that may have one.
func withQuery(base, query string) string {
	if strings.Contains(base, "?") {
		return base + "&" + query
	}
	return base + "?" + query
}

func digest(hash crypto.Hash, text string) []byte {
	h := hash.New()
	io.WriteString(h, text) // does not fail
	return h.Sum(nil)
}

// Bounds of what comes by HTTP-Redirect. What browsers and servers let through
// is a fraction of it.
const (
	maxQuery    = 16 << 10
	maxInflated = 16 << 10
)

// A query is one that came, the values of its parameters as they were sent:
// the signature is over that, and escaping has more than one spelling.
type query map[string]string

// parseQuery reads the parameters of HTTP-Redirect. Others are none of our
// business; these must not be there twice, lest one be checked and another read.
func parseQuery(raw string) (query, error) {
	if len(raw) > maxQuery {
		return nil, reject(ReasonTooLarge, "a query of more than %d bytes", maxQuery)
	}
	q := query{}
	for part := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding":
			if _, twice := q[key]; twice {
				return nil, reject(ReasonQuery, "the parameter %s is there twice", key)
			}
			q[key] = value
		}
	}
	return q, nil
}

// value returns a parameter unescaped.
func (q query) value(key string) (string, error) {
	value, err := url.QueryUnescape(q[key])
	if err != nil {
		return "", reject(ReasonQuery, "the parameter %s is not escaped as it should be", key)
	}
	return value, nil
}

// bytes returns a parameter that is base64.
func (q query) bytes(key string) ([]byte, error) {
	value, err := q.value(key)
	if err != nil {
		return nil, err
	}
	decoded, err := base64.StdEncoding.DecodeString(withoutSpace(value))
	if err != nil {
		return nil, reject(ReasonNotBase64, "the parameter %s is not base64", key)
	}
	return decoded, nil
}

// message returns the document in a parameter. It is unpacked up to a bound: a
// thousand times its size may be packed into a query.
func (q query) message(key string) ([]byte, error) {
	encoding, err := q.value("SAMLEncoding")
	if err != nil {
		return nil, err
	}
	if encoding != "" && encoding != encodingDeflate {
		return nil, reject(ReasonQuery, "SAMLEncoding is not DEFLATE")
	}
	deflated, err := q.bytes(key)
	if err != nil {
		return nil, err
	}
	document, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflated)), maxInflated+1))
	if err != nil {
		return nil, reject(ReasonQuery, "the parameter %s is missing or not deflated", key)
	}
	if len(document) > maxInflated {
		return nil, reject(ReasonTooLarge, "more than %d bytes", maxInflated)
	}
	return document, nil
}

// verify checks the signature of the query over a message in that parameter. It
// is by one of the certificates, which are usable ones.
func (q query) verify(parameter string, certificates []*x509.Certificate) error {
	alg, err := q.value("SigAlg")
	if err != nil {
		return err
	}
	hash, ok := signatureHashes[alg]
	if !ok {
		return reject(ReasonSignatureAlgorithm, "SigAlg is missing or not one SPID allows")
	}
	signature, err := q.bytes("Signature")
	if err != nil {
		return err
	}
	signed := parameter + "=" + q[parameter]
	if relayState, ok := q["RelayState"]; ok {
		signed += "&RelayState=" + relayState
	}
	sum := digest(hash, signed+"&SigAlg="+q["SigAlg"])
	for _, certificate := range certificates {
		if rsa.VerifyPKCS1v15(certificate.PublicKey.(*rsa.PublicKey), hash, sum, signature) == nil {
			return nil
		}
	}
	return reject(ReasonSignatureInvalid, "no certificate of the provider verifies the signature of the query")
}

// signatureHashes are the algorithms SPID lets a query be signed with.
var signatureHashes = map[string]crypto.Hash{
	algRSASHA256: crypto.SHA256,
	algRSASHA384: crypto.SHA384,
	algRSASHA512: crypto.SHA512,
}
