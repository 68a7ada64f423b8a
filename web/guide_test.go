package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"stella/web/webtest"
)

func TestGuideNeedsNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().get("/guida")
	if b.Status != http.StatusOK || b.Heading() != "Guida all'identificazione della casella PEC Esempio" {
		t.Fatalf("the guide returns %d: %s", b.Status, b.Content())
	}
	address := w.url + "/guida"
	if link := b.Find(".device a"); link.AttrOr("href", "") != address || webtest.Text(link) != address {
		t.Errorf("the link next to the QR code is %q", webtest.Text(link))
	}
	if b.Find(`main a[href="/"]`).Length() > 0 {
		t.Error("without a session the guide has a link to the procedure")
	}
	pictures := b.Find("figure img")
	if pictures.Length() != 13 {
		t.Errorf("the guide has %d pictures", pictures.Length())
	}
	pictures.Each(func(_ int, img *goquery.Selection) {
		if img.AttrOr("alt", "") == "" {
			t.Errorf("%s has no alternative text", img.AttrOr("src", ""))
		}
		if b.get(img.AttrOr("src", "")); b.Status != http.StatusOK || b.Header.Get("Content-Type") != "image/png" {
			t.Errorf("%s returns %d", img.AttrOr("src", ""), b.Status)
		}
	})
	b.get("/guida/qr.svg")
	if b.Status != http.StatusOK || b.Header.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(b.Body, "<svg") {
		t.Errorf("the QR code returns %d: %s", b.Status, b.Body)
	}
}

func TestGuideNeedsNoDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) { w.server.Procedure = nil })
	for _, path := range []string{"/guida", "/guida/qr.svg"} {
		if b := w.browser().get(path); b.Status != http.StatusOK {
			t.Errorf("without a database %s returns %d", path, b.Status)
		}
	}
}

func TestProcedureLinksToTheGuide(t *testing.T) {
	t.Parallel()
	b := at(t, anna, "introduction")
	if b.get(b.link("Guida passo passo")); b.Heading() != "Guida all'identificazione della casella PEC Esempio" {
		t.Fatalf("the link leads to %s", b.Content())
	}
	if b.get(b.link("Torna alla procedura")); b.Heading() != "Cosa occorre" {
		t.Errorf("the link back leads to %s", b.Content())
	}
	welcome := b.world.browser().get("/")
	if to := welcome.link("Guida passo passo"); !strings.HasSuffix(to, "/guida") {
		t.Errorf("the welcome page links to %s", to)
	}
}
