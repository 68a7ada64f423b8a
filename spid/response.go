package spid

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/beevik/etree"
	roundtrip "github.com/mattermost/xml-roundtrip-validator"
)

// Bounds of a response. Real ones have some 15 kB, 100 elements and a depth of
// 8. goxmldsig gives up beyond 1000 elements, and its work grows with elements
// times namespace declarations, so both are bounded before it is called.
const (
	maxEncoded    = 256 << 10
	maxElements   = 500
	maxAttributes = 24 // of one element
	maxDepth      = 24
)

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
	if err := scan(raw); err != nil {
		return nil, err
	}
	// encoding/xml does not keep some oddly prefixed names through writing and
	// reading again, and goxmldsig does just that (CVE-2020-29509 and others).
	if err := roundtrip.Validate(bytes.NewReader(raw)); err != nil {
		return nil, reject(ReasonNotWellFormed, "the document does not survive being read and written")
	}
	doc := etree.NewDocument()
	doc.ReadSettings.MaxDepth = maxDepth
	doc.ReadSettings.CharsetReader = onlyUTF8
	if err := doc.ReadFromBytes(raw); err != nil {
		return nil, reject(ReasonNotWellFormed, "the document is not well-formed")
	}
	if roots := doc.ChildElements(); len(roots) != 1 {
		return nil, reject(ReasonNotWellFormed, "the document has %d roots", len(roots))
	}
	root := doc.Root()
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

// scan bounds the document before a tree is made of it, and refuses what a
// SAML message never has: a document type, processing instructions, two
// attributes of one name, text outside of the root.
func scan(raw []byte) error {
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.CharsetReader = onlyUTF8
	elements, depth := 0, 0
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return reject(ReasonNotWellFormed, "the document is not well-formed")
		}
		switch t := token.(type) {
		case xml.StartElement:
			elements++
			depth++
			if elements > maxElements {
				return reject(ReasonTooLarge, "more than %d elements", maxElements)
			}
			if depth > maxDepth {
				return reject(ReasonTooLarge, "more than %d elements deep", maxDepth)
			}
			if len(t.Attr) > maxAttributes {
				return reject(ReasonTooLarge, "an element with more than %d attributes", maxAttributes)
			}
			for i, a := range t.Attr {
				for _, b := range t.Attr[:i] {
					if a.Name == b.Name {
						return reject(ReasonNotWellFormed, "an element with two attributes of one name")
					}
				}
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return reject(ReasonNotWellFormed, "text outside of the root")
			}
		case xml.Directive:
			return reject(ReasonDoctype, "the document has a document type")
		case xml.ProcInst:
			if t.Target != "xml" || elements > 0 {
				return reject(ReasonDoctype, "the document has a processing instruction")
			}
		}
	}
}

// onlyUTF8 is asked for a reader of any other charset: a document that names
// one could be read in two ways.
func onlyUTF8(charset string, _ io.Reader) (io.Reader, error) {
	return nil, fmt.Errorf("charset %q is not UTF-8", charset)
}

func withoutSpace(s string) string { return strings.Join(strings.Fields(s), "") }
