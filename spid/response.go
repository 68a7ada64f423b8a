package spid

import (
	"encoding/base64"
	"strings"

	"github.com/beevik/etree"
)

// Bounds of a response. Real ones have about 10 kB, 100 elements with up to 12
// attributes, 100 attributes in total, texts of up to 3 kB (a certificate), and
// a depth of 8. Without a provider's key, no sender can make a response that
// takes more than about 5 ms to refuse (BenchmarkHostile).
const maxEncoded = 48 << 10 // bytes of the form field

var responseBounds = bounds{bytes: 36 << 10, nodes: 300, attributes: 20, allAttributes: 400, token: 8 << 10, depth: 16}

// A Response is a SAML response as received. None of its content is trusted.
type Response struct {
	xml  []byte
	root *etree.Element
}

// Open parses the form field SAMLResponse. It checks only that the document is
// a response of acceptable size that all XML parsers read in the same way.
// [ServiceProvider.Verify] checks the content. The error is a *[Rejection].
func Open(samlResponse string) (*Response, error) {
	if len(samlResponse) > maxEncoded {
		return nil, reject(ReasonTooLarge, "more than %d bytes", maxEncoded)
	}
	raw, err := base64.StdEncoding.DecodeString(withoutSpace(samlResponse))
	if err != nil {
		return nil, reject(ReasonNotBase64, "the form field is not base64")
	}
	root, err := responseBounds.read(raw)
	if err != nil {
		return nil, err
	}
	if qname(root) != "samlp:Response" {
		return nil, reject(ReasonNotAResponse, "the root is not a SAML response")
	}
	return &Response{raw, root}, nil
}

// InResponseTo returns the ID of the request that the response claims to
// answer. Use it only to find that request: it proves nothing.
func (r *Response) InResponseTo() string {
	id, _ := attr(r.root, "InResponseTo")
	return id
}

// XML returns the document, for the archive.
func (r *Response) XML() []byte { return r.xml }

func withoutSpace(s string) string { return strings.Join(strings.Fields(s), "") }
