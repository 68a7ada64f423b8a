package templates

import (
	"fmt"
	"html/template"
	"strings"
)

// Naming is a text of the guide that names labels of the pages: the text of the
// first id given stands out in place of {{.Label1}}, and so on. So the guide
// always says what the pages show.
func (v view) Naming(id string, labels ...string) (template.HTML, error) {
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

// pictured is a paragraph of the guide with the picture of what it speaks of.
type pictured struct {
	Text    template.HTML
	Picture string // URL
	Alt     string
}

// Pictured gathers what the guide's "pictured" template draws: a text that names
// labels, and the picture of a page in the reader's language, by its file name
// in journey/.
func (v view) Pictured(id, name string, labels ...string) (p pictured, err error) {
	if p.Text, err = v.Naming(id, labels...); err != nil {
		return p, err
	}
	if p.Picture, err = assetURL("journey/" + v.Locale + "/" + name + ".png"); err != nil {
		return p, err
	}
	_, page, _ := strings.Cut(name, "-") // after its number
	p.Alt, err = v.T("guide_picture_" + strings.ReplaceAll(page, "-", "_"))
	return p, err
}
