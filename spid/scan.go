package spid

import "bytes"

// bounds are what a document must not exceed. They are checked before a tree is
// made of it, because the work of the XML decoder and of goxmldsig grows with
// the bytes, with elements times namespace declarations, and with the square of
// the comments in one element.
type bounds struct {
	bytes      int // of the document
	nodes      int // elements, comments and CDATA sections
	attributes int // of one element, with its namespace declarations
	declared   int // attributes of all elements together
	piece      int // bytes of one tag, comment or run of text
	depth      int
}

// scan walks over the markup without making anything of it. It counts what a
// tree would hold, and refuses what a SAML document never has: a document type,
// and a processing instruction other than one XML declaration at the very
// beginning (XML 1.0, 2.8). A document that is well-formed is divided here as
// the XML decoder divides it; of any other the decoder reads no further than the
// place of the fault.
func (b bounds) scan(raw []byte) error {
	if len(raw) > b.bytes {
		return reject(ReasonTooLarge, "more than %d bytes", b.bytes)
	}
	nodes, declared := 0, 0
	for rest := raw; len(rest) > 0; {
		text := bytes.IndexByte(rest, '<')
		if text < 0 {
			text = len(rest)
		}
		if text > b.piece {
			return reject(ReasonTooLarge, "more than %d bytes of text", b.piece)
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
		declared += m.attributes
		switch {
		case nodes > b.nodes:
			return reject(ReasonTooLarge, "more than %d elements and comments", b.nodes)
		case m.attributes > b.attributes:
			return reject(ReasonTooLarge, "an element with more than %d attributes", b.attributes)
		case declared > b.declared:
			return reject(ReasonTooLarge, "more than %d attributes", b.declared)
		case m.size > b.piece:
			return reject(ReasonTooLarge, "more than %d bytes of markup", b.piece)
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

// markupAt returns the markup that raw begins with. If it has no end, it is as
// long as raw, and the XML decoder will find that.
func markupAt(raw []byte, first bool) (markup, error) {
	begins := func(with string) bool { return bytes.HasPrefix(raw, []byte(with)) }
	switch {
	case begins("</"):
		return markup{size: through(raw, "</", ">")}, nil
	case begins("<!--"):
		return markup{size: through(raw, "<!--", "-->"), node: true}, nil
	case begins("<![CDATA["):
		return markup{size: through(raw, "<![CDATA[", "]]>"), node: true}, nil
	case begins("<!"):
		return markup{}, reject(ReasonDoctype, "the document has a document type")
	case begins("<?"):
		if !first || !begins("<?xml") || len(raw) < 6 || !bytes.ContainsAny(raw[5:6], " \t\r\n") {
			return markup{}, reject(ReasonDoctype, "the document has a processing instruction")
		}
		return markup{size: through(raw, "<?xml", "?>")}, nil
	}
	return startTag(raw), nil
}

// startTag finds the end of a start tag. Each value in quotes is an attribute,
// since every attribute of XML has one.
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

// through returns how many bytes markup has that raw begins with, from begin
// through end.
func through(raw []byte, begin, end string) int {
	i := bytes.Index(raw[len(begin):], []byte(end))
	if i < 0 {
		return len(raw)
	}
	return len(begin) + i + len(end)
}
