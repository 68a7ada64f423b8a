package spid

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/beevik/etree"
)

// read checks the bounds of a document and returns its root. It refuses
// documents that two XML parsers could read differently. The error is a
// *[Rejection].
func (b bounds) read(raw []byte) (*etree.Element, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff")) // byte order mark; not part of the document (XML 1.0, 4.3.3)
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
		if t, ok := token.(*etree.CharData); ok && strings.TrimSpace(t.Data) != "" {
			return nil, reject(ReasonNotWellFormed, "text outside of the root")
		}
	}
	if roots := doc.ChildElements(); len(roots) != 1 {
		return nil, reject(ReasonNotWellFormed, "the document has %d roots", len(roots))
	}
	return doc.Root(), checkNames(doc.Root())
}

// checkNames refuses an element with two attributes of the same name, and names
// that do not survive a round trip through encoding/xml. goxmldsig relies on
// such a round trip (CVE-2020-29510, CVE-2020-29511).
func checkNames(el *etree.Element) error {
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
		if err := checkNames(child); err != nil {
			return err
		}
	}
	return nil
}

// oddName reports whether a name, after its prefix, starts with anything but an
// ASCII letter or an underscore, or still contains a colon. encoding/xml
// accepts such names, and SAML has none.
func oddName(name string) bool {
	first := name[0] | 0x20 // lower case
	return (first < 'a' || first > 'z') && name[0] != '_' || strings.Contains(name, ":")
}

// onlyUTF8 is the CharsetReader for charsets other than UTF-8. It refuses them
// all, because a document that names one could be read in two ways.
func onlyUTF8(charset string, _ io.Reader) (io.Reader, error) {
	return nil, fmt.Errorf("charset %q is not UTF-8", charset)
}
