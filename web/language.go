package web

import (
	"net/http"
	"path"
	"strings"
	"time"

	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

// languageCookie stores the language that the user chose. It is separate from the
// session, so that it applies to pages without a session too. It lasts as long as
// an unfinished procedure.
const (
	languageCookie = "stella-language"
	languageMaxAge = qualification.UnfinishedLife
)

// locale returns the language that the user chose. If there is none, it returns that
// of the visitor's session, and otherwise that of the browser.
func (s *Server) locale(r *http.Request, v workflow.Visitor) string {
	return s.Templates.Locale(s.chosenLanguage(r), v.Locale, r.Header.Get("Accept-Language"))
}

// chosenLanguage returns the language that the user chose, or an empty string.
func (s *Server) chosenLanguage(r *http.Request) string {
	if l := requestedLanguage(r); l != "" {
		return l
	}
	return s.cookieOf(r, languageCookie)
}

// requestedLanguage returns the language in the query of a language link, or an
// empty string.
func requestedLanguage(r *http.Request) string {
	if l := r.URL.Query().Get(templates.LanguageParameter); r.Method == http.MethodGet && templates.IsLocale(l) {
		return l
	}
	return ""
}

// rememberLanguage stores the chosen language in the cookie. The link changes
// nothing else, so links from other sites are accepted too.
func (s *Server) rememberLanguage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l := requestedLanguage(r); l != "" && !prefetched(r) {
			http.SetCookie(w, s.cookie(languageCookie, l, int(languageMaxAge/time.Second)))
		}
		next.ServeHTTP(w, r)
	})
}

// languagePath returns the path to which the language links of a page lead: its
// own path, or / if a GET of that path is impossible or has an effect. The input
// of a form is lost.
func languagePath(r *http.Request) string {
	switch path.Base(r.Pattern) {
	case ".", // the request was refused before it was routed
		"acs", "return", "logout", "collaudo", "avvia", "esci", "nuova", "precedente", "sessione", "stato":
		return "/"
	}
	own := strings.TrimSuffix(r.URL.EscapedPath(), "/rifiuta")
	if strings.HasPrefix(own, "//") { // browsers read //x as a link to the host x
		return "/"
	}
	return own
}
