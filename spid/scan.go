package spid

import "bytes"

// bounds are the limits of a document. They are checked before the document is
// parsed into a tree, because the work of the XML decoder and of goxmldsig
// grows with the bytes, with the product of elements and namespace
// declarations, and with the square of the number of comments in one element.
type bounds struct {
	bytes         int // of the document
	nodes         int // elements, comments and CDATA sections
	attributes    int // of one element, including namespace declarations
	allAttributes int // attributes of all elements
	token         int // bytes of one tag, comment or run of text
	depth         int
}

// scan counts the markup of a document without building a tree, and checks the
// bounds. It also refuses constructs that a SAML document never contains: a
// document type, and a processing instruction other than one XML declaration at
// the start (XML 1.0, 2.8). In a well-formed document it finds the same tokens
// as the XML decoder. In any other, the decoder stops at the first error.
func (b bounds) scan(raw []byte) error {
	if len(raw) > b.bytes {
		return reject(ReasonTooLarge, "more than %d bytes", b.bytes)
	}
	nodes, allAttributes := 0, 0
	for rest := raw; len(rest) > 0; {
		text := bytes.IndexByte(rest, '<')
		if text < 0 {
			text = len(rest)
		}
		if text > b.token {
			return reject(ReasonTooLarge, "more than %d bytes of text", b.token)
		}
		if rest = rest[text:]; len(rest) == 0 {
			return nil
		}
		m, err := markupAt(rest, len(rest) == len(raw))
		if err != nil {
			return err
		}
		if m.node {
			nodes++
		}
		allAttributes += m.attributes
		switch {
		case nodes > b.nodes:
			return reject(ReasonTooLarge, "more than %d elements and comments", b.nodes)
		case m.attributes > b.attributes:
			return reject(ReasonTooLarge, "an element with more than %d attributes", b.attributes)
		case allAttributes > b.allAttributes:
			return reject(ReasonTooLarge, "more than %d attributes", b.allAttributes)
		case m.size > b.token:
			return reject(ReasonTooLarge, "more than %d bytes of markup", b.token)
		}
		rest = rest[m.size:]
	}
	return nil
}

// markup is one tag, comment, CDATA section or declaration.
type markup struct {
	size       int // bytes
	node       bool
	attributes int
}

// markupAt returns the markup at the start of raw. If the markup has no end,
// its size is the length of raw; the XML decoder reports that error later.
func markupAt(raw []byte, first bool) (markup, error) {
	begins := func(with string) bool { return bytes.HasPrefix(raw, []byte(with)) }
	switch {
	case begins("</"):
		return markup{size: markupSize(raw, "</", ">")}, nil
	case begins("<!--"):
		return markup{size: markupSize(raw, "<!--", "-->"), node: true}, nil
	case begins("<![CDATA["):
		return markup{size: markupSize(raw, "<![CDATA[", "]]>"), node: true}, nil
	case begins("<!"):
		return markup{}, reject(ReasonDoctype, "the document has a document type")
	case begins("<?"):
		if !first || !begins("<?xml") || len(raw) < 6 || !bytes.ContainsAny(raw[5:6], " \t\r\n") {
			return markup{}, reject(ReasonDoctype, "the document has a processing instruction")
		}
		return markup{size: markupSize(raw, "<?xml", "?>")}, nil
	}
	return startTag(raw), nil
}

// startTag returns the start tag at the start of raw. It counts the quoted
// values, because every XML attribute has one.
func startTag(raw []byte) markup {
	m := markup{size: len(raw), node: true}
	for i := 1; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '>':
			m.size = i + 1
			return m
		case '"', '\'':
			m.attributes++
			length := bytes.IndexByte(raw[i+1:], c)
			if length < 0 {
				return m
			}
			i += length + 1
		}
	}
	return m
}

// through returns the size of the markup at the start of raw, from begin to end
// inclusive.
func markupSize(raw []byte, begin, end string) int {
	i := bytes.Index(raw[len(begin):], []byte(end))
	if i < 0 {
		return len(raw)
	}
	return len(begin) + i + len(end)
}
