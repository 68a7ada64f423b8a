package spid

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/beevik/etree"
)

// bounds are what a document may not exceed. They are kept before a tree is
// made of it: the work of goxmldsig grows with elements times namespace
// declarations, and with the square of the comments in one element.
type bounds struct {
	nodes      int // elements and comments
	attributes int // of one element
	depth      int
}

// read returns the root of a document of bounded size which every reader reads
// in the same way. The error is a *[Rejection].
func (b bounds) read(raw []byte) (*etree.Element, error) {
	if err := b.scan(raw); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings.MaxDepth = b.depth
	doc.ReadSettings.CharsetReader = onlyUTF8
	if err := doc.ReadFromBytes(raw); err != nil {
		return nil, reject(ReasonNotWellFormed, "the document is not well-formed")
	}
	if roots := doc.ChildElements(); len(roots) != 1 {
		return nil, reject(ReasonNotWellFormed, "the document has %d roots", len(roots))
	}
	return doc.Root(), nil
}

// scan refuses what is out of bounds, and what a SAML document never has: a
// document type, processing instructions, two attributes of one name, text
// outside of the root.
func (b bounds) scan(raw []byte) error {
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.CharsetReader = onlyUTF8
	nodes, depth := 0, 0
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
			nodes++
			depth++
			if depth > b.depth {
				return reject(ReasonTooLarge, "more than %d elements deep", b.depth)
			}
			if len(t.Attr) > b.attributes {
				return reject(ReasonTooLarge, "an element with more than %d attributes", b.attributes)
			}
			if err := checkNames(t); err != nil {
				return err
			}
		case xml.EndElement:
			depth--
		case xml.Comment:
			nodes++
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return reject(ReasonNotWellFormed, "text outside of the root")
			}
		case xml.Directive:
			return reject(ReasonDoctype, "the document has a document type")
		case xml.ProcInst:
			if t.Target != "xml" || nodes > 0 {
				return reject(ReasonDoctype, "the document has a processing instruction")
			}
		}
		if nodes > b.nodes {
			return reject(ReasonTooLarge, "more than %d elements and comments", b.nodes)
		}
	}
}

// checkNames refuses an element with two attributes of one name, and names that
// begin or end with a colon, in which encoding/xml leaves it. Those do not come
// through writing and reading again, and goxmldsig does just that
// (CVE-2020-29510, CVE-2020-29511).
func checkNames(el xml.StartElement) error {
	odd := strings.Contains(el.Name.Local, ":")
	for i, a := range el.Attr {
		odd = odd || strings.Contains(a.Name.Local, ":")
		for _, other := range el.Attr[:i] {
			if a.Name == other.Name {
				return reject(ReasonNotWellFormed, "an element with two attributes of one name")
			}
		}
	}
	if odd {
		return reject(ReasonNotWellFormed, "a name that begins or ends with a colon")
	}
	return nil
}

// onlyUTF8 is asked for a reader of any other charset: a document that names
// one could be read in two ways.
func onlyUTF8(charset string, _ io.Reader) (io.Reader, error) {
	return nil, fmt.Errorf("charset %q is not UTF-8", charset)
}
