package web

import (
	"net/http"
	"path"
	"strings"
	"time"

	"stella/templates"
	"stella/workflow"
)

// The language in which a person wants the pages is in a cookie of its own, so
// that pages without a session follow it too. It is kept for as long as an
// unfinished procedure.
const (
	languageCookie = "stella-language"
	languageLife   = workflow.UnfinishedLife
)

// locale is the language that was chosen on a page, or the one that the session
// began with, or the browser's.
func (s *Server) locale(r *http.Request, v workflow.Visitor) string {
	return s.Templates.Locale(s.chosenLanguage(r), v.Locale, r.Header.Get("Accept-Language"))
}

// chosenLanguage is empty if none was chosen.
func (s *Server) chosenLanguage(r *http.Request) string {
	if l := languageAsked(r); l != "" {
		return l
	}
	return s.cookieOf(r, languageCookie)
}

// languageAsked is the language that the link of a page's switch asks for.
func languageAsked(r *http.Request) string {
	if l := r.URL.Query().Get(templates.LanguageParameter); r.Method == http.MethodGet && templates.IsLocale(l) {
		return l
	}
	return ""
}

// keepLanguage remembers a language that was chosen. The link changes nothing
// else, and may be followed from anywhere.
func (s *Server) keepLanguage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l := languageAsked(r); l != "" && !prefetched(r) {
			http.SetCookie(w, s.cookie(languageCookie, l, int(languageLife/time.Second)))
		}
		next.ServeHTTP(w, r)
	})
}

// reopened is the path at which the switch of language shows a page again: the
// page's own, or / for the answer to a request that a GET cannot or must not
// repeat. What was typed into a form is not kept.
func reopened(r *http.Request) string {
	switch path.Base(r.Pattern) {
	case ".", "acs", "return", "logout", "collaudo", "avvia", "esci", "nuova", "precedente", "sessione", "stato": // "." is a request that was refused before its route was found
		return "/"
	}
	own := strings.TrimSuffix(r.URL.EscapedPath(), "/rifiuta")
	if strings.HasPrefix(own, "//") { // a link to it would lead to another host
		return "/"
	}
	return own
}
