package templates

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// asset is a file of static/ or a picture of journey/. Its URL contains a digest of
// its content, so that browsers can cache it forever and still load a new version
// after an upgrade.
type asset struct {
	url         string
	contentType string
	content     string
}

// assets returns the assets. They are loaded by the first call, because most commands
// need none.
var assets = sync.OnceValue(func() map[string]asset { return loadAssets(files) })

func loadAssets(fsys fs.FS) map[string]asset {
	all := map[string]asset{}
	for _, pattern := range []string{"static/*", "journey/*/*"} {
		names, err := fs.Glob(fsys, pattern)
		if err != nil {
			panic(err) // the pattern above is malformed
		}
		for _, file := range names {
			content, err := fs.ReadFile(fsys, file)
			if err != nil {
				panic(err) // an embedded file cannot be missing
			}
			base, ext := path.Base(file), path.Ext(file)
			sum := sha256.Sum256(content)
			all[strings.TrimPrefix(file, "static/")] = asset{
				url:         "/static/" + strings.TrimSuffix(base, ext) + "." + hex.EncodeToString(sum[:6]) + ext,
				contentType: contentTypes[ext],
				content:     string(content),
			}
		}
	}
	return all
}

// contentTypes replaces package mime, whose results depend on the machine.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".png": "image/png",
	".svg": "image/svg+xml",
}

func assetURL(name string) (string, error) {
	a, ok := assets()[name]
	if !ok {
		return "", fmt.Errorf("no file static/%s", name)
	}
	return a.url, nil
}

// Static returns a handler for /static/, which serves the assets of the pages.
func Static() http.Handler {
	byURL := make(map[string]asset, len(assets()))
	for _, a := range assets() {
		byURL[a.url] = a
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		a, ok := byURL[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", a.contentType)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(a.content))
	})
}
