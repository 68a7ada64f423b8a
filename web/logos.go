package web

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"stella/spid"
)

// logo is the logo of an identity provider, or of SPID or CIE. Logos are trade
// marks, so they are not part of the program: the operator puts them in a folder,
// and the pages show them next to the names.
type logo struct {
	contentType string
	content     []byte
}

// maxLogo is the maximum size of a logo in bytes. Larger files are ignored.
const maxLogo = 256 << 10

var (
	logoName  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*\.(svg|png)$`)
	logoTypes = map[string]string{".svg": "image/svg+xml", ".png": "image/png"}
)

// readLogos reads the folder once, so that requests never access the file system.
// It logs and ignores files that cannot be used: logins work without logos.
func (s *Server) readLogos() map[string]logo {
	if s.Logos == nil {
		return nil
	}
	entries, err := fs.ReadDir(s.Logos, ".")
	if err != nil {
		s.Log.Warn("the logos cannot be read", "error", err)
	}
	all := map[string]logo{}
	for _, e := range entries {
		l, err := readLogo(s.Logos, e.Name())
		if err != nil {
			s.Log.Warn("a logo is left out", "file", e.Name(), "error", err)
			continue
		}
		all[e.Name()] = l
	}
	return all
}

func readLogo(fsys fs.FS, name string) (logo, error) {
	if !logoName.MatchString(name) {
		return logo{}, fmt.Errorf("its name is not like posteid.poste.it.svg or .png, in lower case")
	}
	file, err := fsys.Open(name)
	if err != nil {
		return logo{}, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxLogo+1))
	if err == nil && len(content) > maxLogo {
		err = fmt.Errorf("it has more than %d bytes", maxLogo)
	}
	return logo{logoTypes[path.Ext(name)], content}, err
}

// logoURL returns the URL of the logo with a name, or an empty string if there is
// none. It prefers SVG to PNG.
func (s *Server) logoURL(name string) string {
	for _, ext := range []string{".svg", ".png"} {
		if _, ok := s.logos[name+ext]; ok {
			return "/loghi/" + name + ext
		}
	}
	return ""
}

// providerLogo finds the logo of a provider by the host of its entity ID.
func (s *Server) providerLogo(p *spid.Provider) string {
	u, err := url.Parse(p.EntityID)
	if err != nil {
		return ""
	}
	return s.logoURL(strings.ToLower(u.Hostname()))
}

// logoCSP is the Content-Security-Policy of logos: an SVG that is opened directly
// cannot run scripts.
const logoCSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; sandbox"

func (s *Server) showLogo(w http.ResponseWriter, r *http.Request) error {
	l, ok := s.logos[r.PathValue("name")]
	if !ok {
		return errNotFound
	}
	h := w.Header()
	h.Set("Content-Type", l.contentType)
	h.Set("Content-Security-Policy", logoCSP)
	h.Set("Cache-Control", "public, max-age=3600")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(l.content))
	return nil
}
