package mailtest

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// A Message is a parsed mail.
type Message struct {
	From    string `json:"from"`
	Subject string `json:"subject"`
	Text    string `json:"text"`

	HTML    string        `json:"-"`
	Headers []HeaderField `json:"-"`
	Files   []File        `json:"-"`
}

// A File is an attachment of a mail.
type File struct {
	Name, Type string
	Content    []byte
}

// A HeaderField is a header of a mail, decoded.
type HeaderField struct{ Name, Value string }

// Header returns the value of one of the headers, or "".
func (m Message) Header(name string) string {
	for _, h := range m.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// ReadMessage parses a mail. If it cannot be parsed, the message contains the raw text,
// so that an inbox also shows malformed mail.
func ReadMessage(raw []byte) Message {
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Message{Subject: "(illeggibile: " + err.Error() + ")", Text: newlines(string(raw))}
	}
	m := Message{
		From:    decodeWords(parsed.Header.Get("From")),
		Subject: decodeWords(parsed.Header.Get("Subject")),
	}
	for _, name := range []string{"From", "To", "Reply-To", "Date", "Subject", "Message-Id", "Auto-Submitted"} {
		if v := parsed.Header.Get(name); v != "" {
			m.Headers = append(m.Headers, HeaderField{name, decodeWords(v)})
		}
	}
	m.addPart(parsed.Header.Get("Content-Type"), parsed.Header.Get("Content-Transfer-Encoding"), parsed.Body)
	return m
}

// addPart stores the first plain text and the first HTML of a body, and its attachments.
// It calls itself for the parts of a multipart body.
func (m *Message) addPart(contentType, encoding string, body io.Reader) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		media = "text/plain"
	}
	if strings.HasPrefix(media, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if err != nil {
				return
			}
			if name := p.FileName(); name != "" {
				m.Files = append(m.Files, File{name, p.Header.Get("Content-Type"), decoded(p.Header.Get("Content-Transfer-Encoding"), p)})
				continue
			}
			m.addPart(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p)
		}
	}
	content := decoded(encoding, body)
	switch {
	case media == "text/plain" && m.Text == "":
		m.Text = newlines(string(content))
	case media == "text/html" && m.HTML == "":
		m.HTML = string(content)
	}
}

func decoded(encoding string, body io.Reader) []byte {
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, _ := io.ReadAll(body) // if the end is malformed, the rest is still shown
	return content
}

func newlines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

func decodeWords(s string) string {
	if decoded, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		return decoded
	}
	return s
}
