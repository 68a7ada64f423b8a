package templates

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

func TestStatic(t *testing.T) {
	t.Parallel()
	_, page := render(t, newTemplates(t), samples("it")[0])
	get := func(method, url string) *http.Response {
		w := httptest.NewRecorder()
		Static().ServeHTTP(w, httptest.NewRequest(method, url, nil))
		return w.Result()
	}
	var urls []string
	page.Find("link[href], script[src]").Each(func(_ int, s *goquery.Selection) {
		urls = append(urls, s.AttrOr("href", s.AttrOr("src", "")))
	})
	if len(urls) != 4 {
		t.Errorf("the page refers to %v, want 4 assets", urls)
	}
	for _, url := range urls {
		r := get("GET", url)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") == "" ||
			!strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %s, %v", url, r.Status, r.Header)
		}
	}
	for _, url := range []string{"/static/", "/static/style.css", "/static/../layout.html", "/static/style.000000000000.css"} {
		if r := get("GET", url); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", url, r.Status)
		}
	}
	if r := get("POST", urls[0]); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", r.Status)
	}
}

// Every asset has a content type and is small enough for a mobile network.
func TestAssets(t *testing.T) {
	t.Parallel()
	for name, a := range assets() {
		if a.contentType == "" {
			t.Errorf("%s has no content type", name)
		}
		limit := 16 << 10
		if a.contentType == "image/png" { // the guide's pictures, which load while the user scrolls
			limit = 80 << 10
		}
		if len(a.content) > limit {
			t.Errorf("%s has %d bytes", name, len(a.content))
		}
		if a.contentType == "image/png" {
			continue
		}
		if strings.Contains(a.content, "data:") || strings.Contains(a.content, "url(") {
			t.Errorf("%s refers to something the policy blocks", name)
		}
	}
}
