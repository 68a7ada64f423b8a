package spid

import (
	"encoding/base64"
	"strings"

	"github.com/beevik/etree"
)

// Bounds of a response. Real ones have some 10 kB, 100 elements with up to 12
// attributes, 100 attributes in all, texts of up to 3 kB (a certificate), and a
// depth of 8. Nobody who is not a provider can make one that costs more than
// about 5 ms to refuse (BenchmarkHostile).
const maxEncoded = 48 << 10 // bytes, as it is posted

var responseBounds = bounds{bytes: 36 << 10, nodes: 300, attributes: 20, declared: 400, piece: 8 << 10, depth: 16}

// A Response is a SAML response as it arrived. Nothing in it is to be trusted.
type Response struct {
	xml  []byte
	root *etree.Element
}

// Open reads the form field SAMLResponse. It checks only that the document is
// a response of reasonable size which every reader reads in the same way; what
// it says is for [ServiceProvider.Verify] to judge. The error is a *[Rejection].
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

// InResponseTo returns the id of the request that the response claims to
// answer. It serves to find that request and proves nothing.
func (r *Response) InResponseTo() string {
	id, _ := attr(r.root, "InResponseTo")
	return id
}

// XML returns the document, for the archive.
func (r *Response) XML() []byte { return r.xml }

func withoutSpace(s string) string { return strings.Join(strings.Fields(s), "") }
