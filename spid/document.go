package spid

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/beevik/etree"
)

// bounds are what a document may not exceed, since the work of goxmldsig grows
// with elements times namespace declarations, and with the square of the
// comments in one element.
type bounds struct {
	nodes      int // elements, comments and CDATA sections
	attributes int // of one element
	depth      int
}

// read returns the root of a document of bounded size which every reader reads
// in the same way. The error is a *[Rejection].
func (b bounds) read(raw []byte) (*etree.Element, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff")) // says that it is UTF-8, and is no part of it (XML 1.0, 4.3.3)
	if err := b.scan(raw); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{MaxDepth: b.depth, CharsetReader: onlyUTF8, PreserveDuplicateAttrs: true}
	err := doc.ReadFromBytes(raw)
	if errors.Is(err, etree.ErrMaxDepth) {
		return nil, reject(ReasonTooLarge, "more than %d elements deep", b.depth)
	}
	if err != nil {
		return nil, reject(ReasonNotWellFormed, "the document is not well-formed")
	}
	for _, token := range doc.Child {
		switch t := token.(type) {
		case *etree.CharData:
			if strings.TrimSpace(t.Data) != "" {
				return nil, reject(ReasonNotWellFormed, "text outside of the root")
			}
		case *etree.ProcInst:
			if t.Target != "xml" {
				return nil, reject(ReasonDoctype, "the document has a processing instruction")
			}
		}
	}
	if roots := doc.ChildElements(); len(roots) != 1 {
		return nil, reject(ReasonNotWellFormed, "the document has %d roots", len(roots))
	}
	return doc.Root(), b.checkNames(doc.Root())
}

// scan counts nodes before a tree is made of them, and refuses what a SAML
// document never has: a document type, and processing instructions other than
// the XML declaration.
func (b bounds) scan(raw []byte) error {
	nodes := 0
	for {
		_, markup, found := bytes.Cut(raw, []byte("<"))
		if !found {
			return nil
		}
		begins := func(with string) bool { return bytes.HasPrefix(markup, []byte(with)) }
		switch {
		case begins("/"):
		case begins("?"):
			if nodes > 0 || !begins("?xml") {
				return reject(ReasonDoctype, "the document has a processing instruction")
			}
		case begins("!") && !begins("!--") && !begins("![CDATA["):
			return reject(ReasonDoctype, "the document has a document type")
		default:
			nodes++
		}
		if nodes > b.nodes {
			return reject(ReasonTooLarge, "more than %d elements and comments", b.nodes)
		}
		raw = markup
	}
}

// checkNames refuses an element with many attributes or two of one name, and odd
// names. Those do not come through writing and reading again, and goxmldsig does
// just that (CVE-2020-29510, CVE-2020-29511).
func (b bounds) checkNames(el *etree.Element) error {
	if len(el.Attr) > b.attributes {
		return reject(ReasonTooLarge, "an element with more than %d attributes", b.attributes)
	}
	odd := oddName(el.Tag)
	for i, a := range el.Attr {
		odd = odd || oddName(a.Key)
		for _, other := range el.Attr[:i] {
			if a.Space == other.Space && a.Key == other.Key {
				return reject(ReasonNotWellFormed, "an element with two attributes of one name")
			}
		}
	}
	if odd {
		return reject(ReasonNotWellFormed, "a name that does not begin with a letter")
	}
	for child := range el.ChildElementsSeq() {
		if err := b.checkNames(child); err != nil {
			return err
		}
	}
	return nil
}

// oddName tells whether a name, after its prefix, begins with anything but a
// letter of ASCII or a low line, or has a colon left: encoding/xml lets such
// names in, and SAML has none.
func oddName(name string) bool {
	first := name[0] | 0x20 // lower case
	return (first < 'a' || first > 'z') && name[0] != '_' || strings.Contains(name, ":")
}

// onlyUTF8 is asked for a reader of any other charset: a document that names
// one could be read in two ways.
func onlyUTF8(charset string, _ io.Reader) (io.Reader, error) {
	return nil, fmt.Errorf("charset %q is not UTF-8", charset)
}
