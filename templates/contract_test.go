package templates

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"testing/fstest"
)

func TestSampleContract(t *testing.T) {
	t.Parallel()
	documents, err := Contracts(SampleContract())
	if err != nil {
		t.Fatal(err)
	}
	for _, locale := range locales {
		d := documents[locale]
		if d.Locale != locale || d.Version != "1.0" || d.Date.Format("2006-01-02") != "2026-11-01" {
			t.Errorf("%s: %s of %s in %q", locale, d.Version, d.Date, d.Locale)
		}
		if sum := sha256.Sum256(d.Bytes); d.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: digest %s", locale, d.SHA256)
		}
		if strings.Contains(string(d.Body), "version:") || !strings.Contains(string(d.Body), "<h2>") {
			t.Errorf("%s: body %.80s", locale, d.Body)
		}
	}
}

func TestContractRefused(t *testing.T) {
	t.Parallel()
	const good = "<!-- version: 2.0; date: 2027-01-01 -->\n<p>x</p>\n"
	tests := []struct {
		name   string
		it, en string
		want   string
	}{
		{"missing", good, "", "en.html"},
		{"no head", "<p>x</p>\n", good, "it.html: the first line must be"},
		{"bad date", strings.Replace(good, "2027-01-01", "2027-13-01", 1), good, "no such date"},
		{"empty", "<!-- version: 2.0; date: 2027-01-01 -->\n", good, "nothing after"},
		{"heading", good + "<h1 class=x>y</h1>", good, "<h1>"},
		{"script", good, good + "<SCRIPT>1</SCRIPT>", "en.html: <script>"},
		{"not text", good + "\xff", good, "UTF-8"},
		{"versions", good, strings.Replace(good, "2.0", "2.1", 1), "must be the same"},
	}
	for _, test := range tests {
		fsys := fstest.MapFS{"it.html": {Data: []byte(test.it)}}
		if test.en != "" {
			fsys["en.html"] = &fstest.MapFile{Data: []byte(test.en)}
		}
		_, err := Contracts(fsys)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", test.name, err, test.want)
		}
	}
	if _, err := Contracts(fstest.MapFS{"it.html": {Data: []byte(good)}, "en.html": {Data: []byte(good)}}); err != nil {
		t.Error(err)
	}
}

// The page says that a contract notice is a sample only if it is one.
func TestSampleContractIsMarked(t *testing.T) {
	t.Parallel()
	documents, err := Contracts(SampleContract())
	if err != nil {
		t.Fatal(err)
	}
	for locale, sentence := range map[string]string{
		"it": "Questo testo è un esempio e non ha valore contrattuale",
		"en": "This text is a sample and has no contractual value",
	} {
		for _, sample := range []bool{true, false} {
			s := site
			s.SampleContract = sample
			all, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			d := documents[locale]
			var page strings.Builder
			data := Contract{Version: d.Version, Date: d.Date, SHA256: d.SHA256, Document: d.Body}
			if err := all.Page(&page, "contract", Page{Locale: locale, Data: data}); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(page.String(), sentence) != sample {
				t.Errorf("%s, sample %v: %s", locale, sample, page.String())
			}
		}
	}
}
