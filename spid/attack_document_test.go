package spid_test

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"

	"stella/spid"
)

func prefixed(prefix string) forgery {
	return written(func(xml string) string { return prefix + xml })
}

func suffixed(suffix string) forgery {
	return written(func(xml string) string { return xml + suffix })
}

// Documents that readers can understand in different ways, or that refer to
// external content.
var documentAttacks = []attack{
	{"a declaration", prefixed(`<?xml version="1.0" encoding="UTF-8"?>` + "\n"), ""},
	{"a comment before and after", written(func(xml string) string { return "<!-- a -->" + xml + "<!-- b -->\n" }), ""},
	{"a byte order mark", prefixed("\ufeff"), ""},
	{"a byte order mark and a declaration", prefixed("\ufeff" + `<?xml version="1.0" encoding="UTF-8"?>`), ""},
	{"two byte order marks", prefixed("\ufeff\ufeff"), spid.ReasonNotWellFormed},
	{"a byte order mark at the end", suffixed("\ufeff"), spid.ReasonNotWellFormed},
	{"a byte order mark in a value", rewritten(">TINIT-", ">\ufeffTINIT-"), spid.ReasonSignatureInvalid},
	{"XML 1.1", prefixed(`<?xml version="1.1"?>`), spid.ReasonNotWellFormed},
	{"declared as ISO 8859-1", prefixed(`<?xml version="1.0" encoding="ISO-8859-1"?>`), spid.ReasonNotWellFormed},
	{"declared as UTF-7", prefixed(`<?xml version="1.0" encoding="UTF-7"?>`), spid.ReasonNotWellFormed},
	{"declared as UTF-7, and written so", written(func(xml string) string {
		return `<?xml version="1.0" encoding="UTF-7"?>` + strings.NewReplacer("<", "+ADw-", ">", "+AD4-").Replace(xml)
	}), spid.ReasonTooLarge},
	{"declared as UTF-16", prefixed(`<?xml version="1.0" encoding="UTF-16"?>`), spid.ReasonNotWellFormed},
	{"written in UTF-16, big-endian", written(func(xml string) string { return inUTF16(xml, 1) }), spid.ReasonNotWellFormed},
	{"written in UTF-16, little-endian", written(func(xml string) string { return inUTF16(xml, 0) }), spid.ReasonNotWellFormed},
	{"written in EBCDIC", written(func(string) string { return "\x4c\x6f\xa7\x94\x93" }), spid.ReasonNotWellFormed},
	{"NUL at the end", suffixed("\x00"), spid.ReasonNotWellFormed},
	{"NUL in a value", rewritten(">TINIT-", ">TINIT-\x00"), spid.ReasonNotWellFormed},
	{"NUL in a name", rewritten("<saml:Subject>", "<saml:Subject\x00>"), spid.ReasonNotWellFormed},
	{"a control character in a value", rewritten(">TINIT-", ">TINIT-\x08"), spid.ReasonNotWellFormed},
	{"bytes that are not UTF-8", rewritten(">TINIT-", ">TINIT-\xff"), spid.ReasonNotWellFormed},
	{"an overlong letter", rewritten(">TINIT-", ">\xc1\x94INIT-"), spid.ReasonNotWellFormed},
	{"an overlong bracket", rewritten("</saml:NameID>", "\xc0\xbc/saml:NameID>"), spid.ReasonNotWellFormed},
	{"half of a surrogate pair", rewritten(">TINIT-", ">TINIT-\xed\xa0\x80"), spid.ReasonNotWellFormed},
	{"a document type", prefixed("<!DOCTYPE Response>"), spid.ReasonDoctype},
	{"an external document type", prefixed(`<!DOCTYPE r SYSTEM "https://evil.example/r.dtd">`), spid.ReasonDoctype},
	{"a public document type",
		prefixed(`<!DOCTYPE r PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "https://evil.example/r.dtd">`), spid.ReasonDoctype},
	{"a document type in lower case", prefixed("<!doctype r>"), spid.ReasonDoctype},
	{"a document type inside", rewritten("<saml:Subject>", "<!DOCTYPE r><saml:Subject>"), spid.ReasonDoctype},
	{"a document type that makes attributes IDs", prefixed(`<!DOCTYPE r [<!ATTLIST saml:Subject id ID #IMPLIED>]>`), spid.ReasonDoctype},
	{"an external entity", prefixed(`<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>`), spid.ReasonDoctype},
	{"a parameter entity", prefixed(`<!DOCTYPE r [<!ENTITY % x SYSTEM "https://evil.example/x"> %x;]>`), spid.ReasonDoctype},
	{"the billion laughs attack", prefixed(billionLaughs()), spid.ReasonDoctype},
	{"a stylesheet", prefixed(`<?xml-stylesheet href="https://evil.example/x.xsl"?>`), spid.ReasonDoctype},
	{"two declarations", prefixed(`<?xml version="1.0"?><?xml version="1.0"?>`), spid.ReasonDoctype},
	{"a declaration after a space", prefixed(` <?xml version="1.0"?>`), spid.ReasonDoctype},
	{"a declaration after a line break", prefixed("\n" + `<?xml version="1.0"?>`), spid.ReasonDoctype},
	{"a declaration after a comment", prefixed(`<!-- a --><?xml version="1.0"?>`), spid.ReasonDoctype},
	{"a declaration before a byte order mark", prefixed(`<?xml version="1.0"?>` + "\ufeff"), spid.ReasonNotWellFormed},
	{"a declaration that has no end", prefixed(`<?xml version="1.0"`), spid.ReasonNotWellFormed},
	{"an instruction whose name begins with xml", prefixed(`<?xmlx version="1.0"?>`), spid.ReasonDoctype},
	{"a declaration inside", rewritten("<saml:Subject>", `<?xml version="1.0"?><saml:Subject>`), spid.ReasonDoctype},
	{"an instruction at the end", suffixed("<?x?>"), spid.ReasonDoctype},
	{"two documents", written(func(xml string) string { return xml + xml }), spid.ReasonNotWellFormed},
	{"text before", prefixed("x"), spid.ReasonNotWellFormed},
	{"text after", suffixed("x"), spid.ReasonNotWellFormed},
	{"one end tag too many", suffixed("</samlp:Response>"), spid.ReasonNotWellFormed},
	{"end tags swapped", rewritten("</saml:NameID>", "</saml:Subject>"), spid.ReasonNotWellFormed},
	{"an attribute without quotes", rewritten(`Version="2.0"`, "Version=2.0"), spid.ReasonNotWellFormed},
	{"an attribute without a value", rewritten(`Version="2.0"`, "Version"), spid.ReasonNotWellFormed},
	{"an attribute twice", rewritten(`Version="2.0"`, `Version="2.0" Version="2.0"`), spid.ReasonNotWellFormed},
	{"a bracket in an attribute", rewritten(`Version="2.0"`, `Version="2.0" Consent="<"`), spid.ReasonNotWellFormed},
	{"an end of CDATA in text", rewritten(">TINIT-", ">]]>TINIT-"), spid.ReasonNotWellFormed},
	{"a comment with two dashes", rewritten(">TINIT-", "><!-- -- -->TINIT-"), spid.ReasonNotWellFormed},
	{"single quotes", rewritten(`Version="2.0"`, `Version='2.0'`), ""},
	{"HTML", written(func(string) string { return "<html><body>Accesso</body></html>" }), spid.ReasonNotAResponse},
	{"JSON", written(func(string) string { return `{"Response":{}}` }), spid.ReasonNotWellFormed},
	{"nothing", written(func(string) string { return "" }), spid.ReasonNotWellFormed},

	{"in several lines", posted(func(field string) string { return field[:76] + "\r\n" + field[76:] + "\n" }), ""},
	{"with a space, as a plus sign is decoded in a query",
		posted(func(field string) string { return strings.Replace(field, "A", " ", 1) }), spid.ReasonNotBase64},
	{"no field", posted(func(string) string { return "" }), spid.ReasonNotWellFormed},
	{"not in base64", posted(unpack), spid.ReasonNotBase64},
	{"in base64 for URLs", posted(strings.NewReplacer("+", "-", "/", "_").Replace), spid.ReasonNotBase64},
	{"in base64, cut", posted(func(field string) string { return field[:len(field)-1] }), spid.ReasonNotBase64},
	{"in base64 with padding inside", posted(func(field string) string { return "QQ==" + field }), spid.ReasonNotBase64},
	{"in base64 twice", posted(pack), spid.ReasonTooLarge},
	{"in hexadecimal", written(func(xml string) string { return hex.EncodeToString([]byte(xml)) }), spid.ReasonTooLarge},
	{"encoded for a URL", posted(func(field string) string { return url.QueryEscape(field + "=") }), spid.ReasonNotBase64},
	{"NUL in base64", posted(func(field string) string { return field[:8] + "\x00" + field[8:] }), spid.ReasonNotBase64},
	{"deflated, as in a query", written(func(string) string { return deflated("<samlp:Response/>") }), spid.ReasonNotWellFormed},
}

func inUTF16(s string, bigEnd int) string {
	var b strings.Builder
	for _, unit := range append([]uint16{0xfeff}, utf16.Encode([]rune(s))...) {
		pair := []byte{byte(unit), byte(unit >> 8)}
		b.WriteByte(pair[bigEnd])
		b.WriteByte(pair[1-bigEnd])
	}
	return b.String()
}

func billionLaughs() string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE r [<!ENTITY l0 "ha">`)
	for i := range 9 {
		fmt.Fprintf(&b, `<!ENTITY l%d "%s">`, i+1, strings.Repeat(fmt.Sprintf("&l%d;", i), 10))
	}
	return b.String() + "]>"
}

func deflated(s string) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	check(err)
	_, err = w.Write([]byte(s))
	check(err)
	check(w.Close())
	return b.String()
}

// sizeAttacks are genuine answers made very large. TestBounds measures their
// cost.
func sizeAttacks() []attack {
	const to = "<saml:Subject>"
	many := func(n int, write func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(write(i))
		}
		return b.String()
	}
	same := func(s string) func(int) string { return func(int) string { return s } }
	return []attack{
		{"a megabyte", posted(func(field string) string { return field + strings.Repeat("A", 1<<20) }), spid.ReasonTooLarge},
		{"a megabyte of spaces", posted(func(field string) string { return field + strings.Repeat(" ", 1<<20) }), spid.ReasonTooLarge},
		{"many elements", rewritten(to, to+many(2000, same("<saml:NameID/>"))), spid.ReasonTooLarge},
		{"many elements, the shortest", rewritten(to, to+many(20_000, same("<a/>"))), spid.ReasonTooLarge},
		{"many comments", rewritten(to, to+many(12_000, same("<!---->"))), spid.ReasonTooLarge},
		{"many attributes",
			rewritten(to, "<saml:Subject"+many(200, func(i int) string { return fmt.Sprintf(` a%d=""`, i) })+">"), spid.ReasonTooLarge},
		{"many attributes, all that fit",
			rewritten(to, "<saml:Subject"+many(8_000, func(i int) string { return fmt.Sprintf(` a%d=""`, i) })+">"), spid.ReasonTooLarge},
		{"many namespaces",
			rewritten(to, "<saml:Subject"+many(2000, func(i int) string {
				return fmt.Sprintf(` xmlns:n%d="urn:n"`, i)
			})+">"), spid.ReasonTooLarge},
		{"deep", rewritten(to, many(200, same("<saml:Subject>"))+many(199, same("</saml:Subject>"))), spid.ReasonTooLarge},
		{"deep, never closed", rewritten(to, many(6_000, same("<saml:Subject>"))), spid.ReasonTooLarge},
		{"a long name", rewritten(to, to+"<saml:"+strings.Repeat("a", 60_000)+"/>"), spid.ReasonTooLarge},
		{"a long value", rewritten(">TINIT-", ">"+strings.Repeat("A", 60_000)), spid.ReasonTooLarge},
		{"a long value of the response",
			rewritten("<samlp:Response", `<samlp:Response Consent="`+strings.Repeat("A", 60_000)+`"`), spid.ReasonTooLarge},
		{"a long comment", rewritten(to, "<!--"+strings.Repeat("A", 60_000)+"-->"+to), spid.ReasonTooLarge},
		{"a long name that fits", rewritten(to, to+"<saml:"+strings.Repeat("a", 8_000)+"/>"), spid.ReasonUnexpectedElement},
		{"a name that is too long", rewritten(to, to+"<saml:"+strings.Repeat("a", 9_000)+"/>"), spid.ReasonTooLarge},
		{"a long comment that fits", rewritten(to, "<!--"+strings.Repeat("A", 8_000)+"-->"+to), ""},
		{"a comment that is too long", rewritten(to, "<!--"+strings.Repeat("A", 9_000)+"-->"+to), spid.ReasonTooLarge},
		{"a text that is too long", rewritten(to, strings.Repeat("\n", 9_000)+to), spid.ReasonTooLarge},
		{"many attributes, on many elements", rewritten(to, many(20, func(i int) string {
			return "<saml:NameID" + many(19, func(i int) string { return fmt.Sprintf(` a%d=""`, i) }) + "/>"
		})+to), spid.ReasonTooLarge},
		{"many line breaks", rewritten(to, strings.Repeat("\n", 60_000)+to), spid.ReasonTooLarge},
	}
}

// truncationAttacks are genuine answers cut at every 64th byte.
func truncationAttacks() []attack {
	var attacks []attack
	for n := 0; n < 6000; n += 64 {
		cut := written(func(xml string) string { return xml[:n] })
		attacks = append(attacks, attack{fmt.Sprintf("after %d bytes", n), cut, spid.ReasonNotWellFormed})
	}
	return attacks
}
