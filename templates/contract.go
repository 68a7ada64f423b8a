package templates

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Document is the contract notice in one language.
type Document struct {
	Version string
	Date    time.Time
	SHA256  string // of Bytes, in hexadecimal
	Locale  string
	Body    template.HTML
	Bytes   []byte // the whole file; it is stored when the holder acknowledges it
}

// SampleContract returns a file system with it.html and en.html, a sample notice
// for demos and tests.
func SampleContract() fs.FS {
	sample, err := fs.Sub(files, "contract")
	if err != nil {
		panic(err) // the name is malformed
	}
	return sample
}

var documentHead = regexp.MustCompile(`^<!-- version: (\S+); date: (\d{4}-\d{2}-\d{2}) -->$`)

// Contracts reads the contract notice from it.html and en.html, and returns it by
// locale. The files are fragments of HTML that begin with a line
//
//	<!-- version: 1.0; date: 2026-11-01 -->
//
// Version and date must be the same in both.
func Contracts(fsys fs.FS) (map[string]Document, error) {
	documents := make(map[string]Document, len(locales))
	for _, locale := range locales {
		name := locale + ".html"
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("contract notice: %w", err)
		}
		d, err := parseDocument(content)
		if err != nil {
			return nil, fmt.Errorf("contract notice: %s: %w", name, err)
		}
		d.Locale = locale
		documents[locale] = d
	}
	it, en := documents["it"], documents["en"]
	if it.Version != en.Version || !it.Date.Equal(en.Date) {
		return nil, fmt.Errorf("contract notice: it.html is version %s of %s, en.html version %s of %s: they must be the same",
			it.Version, it.Date.Format(time.DateOnly), en.Version, en.Date.Format(time.DateOnly))
	}
	return documents, nil
}

func parseDocument(content []byte) (Document, error) {
	if !utf8.Valid(content) {
		return Document{}, fmt.Errorf("it is not UTF-8 text")
	}
	head, body, _ := strings.Cut(string(content), "\n")
	m := documentHead.FindStringSubmatch(strings.TrimSuffix(head, "\r"))
	if m == nil {
		return Document{}, fmt.Errorf("the first line must be <!-- version: 1.0; date: 2026-11-01 -->, not %.80q", head)
	}
	date, err := time.Parse(time.DateOnly, m[2])
	if err != nil {
		return Document{}, fmt.Errorf("the first line has no such date: %s", m[2])
	}
	if strings.TrimSpace(body) == "" {
		return Document{}, fmt.Errorf("there is nothing after the first line")
	}
	// The document becomes part of a page, which has its own main heading and whose
	// Content-Security-Policy blocks inline scripts and styles.
	for _, tag := range []string{"html", "body", "h1", "script", "style", "form"} {
		if regexp.MustCompile(`(?i)<` + tag + `[\s/>]`).MatchString(body) {
			return Document{}, fmt.Errorf("<%s> cannot be part of it: it is shown inside a page (headings begin with <h2>)", tag)
		}
	}
	sum := sha256.Sum256(content)
	return Document{
		Version: m[1],
		Date:    date,
		SHA256:  hex.EncodeToString(sum[:]),
		Body:    template.HTML(body),
		Bytes:   content,
	}, nil
}
