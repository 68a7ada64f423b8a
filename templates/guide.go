package templates

import (
	"fmt"
	"html/template"
	"strings"
)

// Naming returns a text of the guide that quotes labels of the pages: {{.Label1}}
// in the text is replaced by the message with the first ID in labels, in bold, and
// so on. Thus the guide always has the same labels as the pages.
func (v *view) Naming(id string, labels ...string) (template.HTML, error) {
	var args []any
	for i, label := range labels {
		text, err := v.T(label)
		if err != nil {
			return "", err
		}
		args = append(args, fmt.Sprintf("Label%d", i+1), text)
	}
	return v.Strong(id, args...)
}

// illustration is a paragraph of the guide with a picture of the page that it
// describes.
type illustration struct {
	Text    template.HTML
	Picture string // URL
	Alt     string
}

// Pictured returns the data of the guide's "pictured" template: the text that Naming
// returns for id, and the picture of a page in the reader's language. name is the
// picture's file name in journey/ without the extension.
func (v *view) Pictured(id, name string, labels ...string) (p illustration, err error) {
	if p.Text, err = v.Naming(id, labels...); err != nil {
		return p, err
	}
	if p.Picture, err = assetURL("journey/" + v.Locale + "/" + name + ".png"); err != nil {
		return p, err
	}
	_, page, _ := strings.Cut(name, "-") // the name begins with a number: "05-dati-di-contatto"
	p.Alt, err = v.T("guide_picture_" + strings.ReplaceAll(page, "-", "_"))
	return p, err
}
