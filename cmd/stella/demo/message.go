package demo

import (
	"encoding/base64"
	"html/template"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
	"time"
)

// A message is a mail for one recipient.
type message struct {
	To       string    `json:"to"` // recipient of the envelope
	From     string    `json:"from"`
	Subject  string    `json:"subject"`
	Text     string    `json:"text"`
	Received time.Time `json:"received_at"`

	ID      int           `json:"-"`
	HTML    string        `json:"-"`
	Headers []headerField `json:"-"`
	Files   []file        `json:"-"`
}

// A file is an attachment of a mail.
type file struct {
	Name, Type string
	Content    []byte
}

type headerField struct{ Name, Value string }

// readMessage parses a mail. If it cannot be parsed, the message contains the raw text,
// so that the inbox also shows malformed mail.
func readMessage(r io.Reader) (message, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return message{}, err
	}
	parsed, err := mail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil {
		return message{Subject: "(illeggibile: " + err.Error() + ")", Text: newlines(string(raw))}, nil
	}
	m := message{
		From:    decodeWords(parsed.Header.Get("From")),
		Subject: decodeWords(parsed.Header.Get("Subject")),
	}
	for _, name := range []string{"From", "To", "Reply-To", "Date", "Subject", "Message-Id", "Auto-Submitted"} {
		if v := parsed.Header.Get(name); v != "" {
			m.Headers = append(m.Headers, headerField{name, decodeWords(v)})
		}
	}
	m.addPart(parsed.Header.Get("Content-Type"), parsed.Header.Get("Content-Transfer-Encoding"), parsed.Body)
	return m, nil
}

// addPart stores the first plain text and the first HTML of a body, and its attachments.
// It calls itself for the parts of a multipart body.
func (m *message) addPart(contentType, encoding string, body io.Reader) {
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
				m.Files = append(m.Files, file{name, p.Header.Get("Content-Type"), decoded(p.Header.Get("Content-Transfer-Encoding"), p)})
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

var address = regexp.MustCompile(`https?://[^\s<>"]+[^\s<>".,;:!?)]`)

// links returns a text as HTML in which URLs are links.
func links(text string) template.HTML {
	var b strings.Builder
	end := 0
	for _, at := range address.FindAllStringIndex(text, -1) {
		link := template.HTMLEscapeString(text[at[0]:at[1]])
		b.WriteString(template.HTMLEscapeString(text[end:at[0]]))
		b.WriteString(`<a href="` + link + `">` + link + `</a>`)
		end = at[1]
	}
	b.WriteString(template.HTMLEscapeString(text[end:]))
	return template.HTML(b.String())
}
