package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"stella/middleware"
	"stella/templates"
	"stella/workflow"
	"stella/workflow/contact"
)

// showStart shows a page with one button, for a webmail that uses a link instead
// of a form. The link alone starts nothing, since programs may open it too.
func (s *Server) showStart(w http.ResponseWriter, r *http.Request) error {
	h, err := s.Provider.FindHandOff(r.Context(), r.PathValue("token"))
	if errors.Is(err, workflow.ErrUnknown) {
		s.startEnded(w, r)
		return nil
	}
	if err != nil {
		return err
	}
	s.offerStart(w, r, h)
	return nil
}

// offerStart shows the page with the button of a hand-off.
func (s *Server) offerStart(w http.ResponseWriter, r *http.Request, h workflow.HandOff) {
	if !h.Open(s.Now()) {
		s.startEnded(w, r)
		return
	}
	s.write(w, r, http.StatusOK, "start", templates.Page{Locale: s.locale(r, workflow.Visitor{Locale: h.Locale}),
		Data: templates.Start{Action: r.URL.Path, Mailbox: contact.Readable(h.Address)}})
}

// start starts the session of a hand-off, if the form was sent from the webmail or
// from our own page with the button. If the origin is hidden, it shows that page.
func (s *Server) start(w http.ResponseWriter, r *http.Request) error {
	h, err := s.Provider.FindHandOff(r.Context(), r.PathValue("token"))
	if errors.Is(err, workflow.ErrUnknown) {
		s.startEnded(w, r)
		return nil
	}
	if err != nil {
		return err
	}
	switch s.originOfClick(r, h.Client) {
	case clickCrossSite:
		middleware.By(r.Context(), h.Client.Name)
		return fmt.Errorf("%w: no return URL of the client has the origin %q", errCrossOrigin, r.Header.Get("Origin"))
	case clickHidden:
		s.offerStart(w, r, h)
		return nil
	}
	secret := newSecret()
	_, err = s.Procedure.Start(r.Context(), r.PathValue("token"), workflow.Digest(secret), clientAddress(r), requestID(r))
	if errors.Is(err, workflow.ErrUnknown) {
		s.startEnded(w, r)
		return nil
	}
	if err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(sessionCookie, secret, 0))
	s.redirectHome(w, r, "")
	return nil
}

// click is the origin of a hand-off's form.
type click int

const (
	clickAllowed   click = iota // the webmail, our own page, or a browser that sends no origin
	clickHidden                 // the browser hides the origin
	clickCrossSite              // another site
)

// originOfClick returns the origin of a hand-off's form. The Origin header is
// "null" if the page hides it (Referrer-Policy), if the form was redirected from
// one site to another before (Fetch standard, "redirect-taint"), and in Chromium
// after any redirect to another origin, such as a webmail's 307. The Referer is
// then still that of the page with the form: a redirect does not change it, and
// another site cannot choose it.
func (s *Server) originOfClick(r *http.Request, c workflow.Client) click {
	known := func(origin string) bool {
		ours := append([]string{s.PublicURL.String()}, c.ReturnURLs...)
		return slices.ContainsFunc(ours, func(u string) bool { return originOf(u) == origin })
	}
	switch origin := r.Header.Get("Origin"); {
	case origin == "null" && r.Referer() != "" && known(originOf(r.Referer())):
		return clickAllowed
	case origin == "null":
		return clickHidden
	case origin != "" && known(origin):
		return clickAllowed
	case origin != "":
		return clickCrossSite
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return clickAllowed
	}
	return clickCrossSite
}

// maxHostname is the maximum length of a host name, in characters (RFC 1035). The
// time of Punycode grows with the square of the length.
const maxHostname = 253

// originOf returns the origin of a URL in the form that browsers send (RFC 6454,
// section 6.2), or an empty string if text is not an absolute URL.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || utf8.RuneCountInString(u.Hostname()) > maxHostname {
		return ""
	}
	host := strings.ToLower(u.Host)
	if ascii, err := idna.ToASCII(u.Hostname()); err == nil {
		host = strings.Replace(host, strings.ToLower(u.Hostname()), strings.ToLower(ascii), 1)
	}
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

func (s *Server) startEnded(w http.ResponseWriter, r *http.Request) {
	s.write(w, r, http.StatusGone, "start_ended",
		templates.Page{Locale: s.locale(r, workflow.Visitor{}), Data: templates.Ended{Why: "expired"}})
}

// newSecret returns a new session secret, of at least 256 random bits.
func newSecret() string { return rand.Text() + rand.Text() }
