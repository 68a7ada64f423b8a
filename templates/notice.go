package templates

import (
	"bytes"
	"fmt"
	"html/template"
)

// Attachment is a file attached to a mail.
type Attachment struct {
	Name        string
	ContentType string
	Content     []byte
}

// noticeFile returns a contract notice as an HTML file, which phones can open too.
// Between <main> and </main> it contains exactly the bytes that the holder
// acknowledged, so that their SHA-256 can be checked.
func (t *Templates) noticeFile(d Document) (*Attachment, error) {
	w := t.messages[t.Locale(d.Locale)]
	var page bytes.Buffer
	err := t.layouts.ExecuteTemplate(&page, "notice.html", struct {
		Document
		Messages messages
		Site     Site
		Text     template.HTML
	}{d, w, t.site, template.HTML(d.Bytes)})
	if err != nil {
		return nil, fmt.Errorf("the contract notice: %w", err)
	}
	name, err := w.T("contract_file", "Version", d.Version)
	return &Attachment{Name: name + ".html", ContentType: "text/html; charset=utf-8", Content: page.Bytes()}, err
}
