package templates

import (
	"bytes"
	"fmt"
	"html/template"
)

// Attachment is a file that comes with a mail.
type Attachment struct {
	Name        string
	ContentType string
	Content     []byte
}

// noticeFile makes a file of a contract notice, which a telephone opens too. The
// notice's bytes stand in it as they were acknowledged, from the first of them
// to the last, between the elements <main> and </main>.
func (t *Templates) noticeFile(d Document) (*Attachment, error) {
	w := t.words[t.Locale(d.Locale)]
	var page bytes.Buffer
	err := t.sheets.ExecuteTemplate(&page, "notice.html", struct {
		Document
		Words words
		Site  Site
		Text  template.HTML
	}{d, w, t.site, template.HTML(d.Bytes)})
	if err != nil {
		return nil, fmt.Errorf("the contract notice: %w", err)
	}
	name, err := w.T("contract_file", "Version", d.Version)
	return &Attachment{Name: name + ".html", ContentType: "text/html; charset=utf-8", Content: page.Bytes()}, err
}
