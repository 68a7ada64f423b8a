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

	"stella/request"
	"stella/templates"
	"stella/workflow"
)

// showStart is for a webmail that could only give a link: a page with one
// button, since a link may be opened by machines.
func (s *Server) showStart(w http.ResponseWriter, r *http.Request) error {
	h, err := s.Procedure.FindHandOff(r.Context(), r.PathValue("token"))
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
		Data: templates.Start{Action: r.URL.Path, Mailbox: workflow.Readable(h.Address)}})
}

// start lets the user of a hand-off in, whose click came from the webmail or
// from our own page. One that does not say where it came from is shown that page.
func (s *Server) start(w http.ResponseWriter, r *http.Request) error {
	h, err := s.Procedure.FindHandOff(r.Context(), r.PathValue("token"))
	if errors.Is(err, workflow.ErrUnknown) {
		s.startEnded(w, r)
		return nil
	}
	if err != nil {
		return err
	}
	switch s.clickedOn(r, h.Client) {
	case clickForeign:
		request.By(r.Context(), h.Client.Name)
		return fmt.Errorf("%w: no return URL of the client has the origin %q", errCrossOrigin, r.Header.Get("Origin"))
	case clickHidden:
		s.offerStart(w, r, h)
		return nil
	}
	secret := newSecret()
	session := workflow.Digest(secret)
	v, err := s.Procedure.Start(r.Context(), r.PathValue("token"), session, s.ClientAddress(r), requestID(r))
	if errors.Is(err, workflow.ErrUnknown) {
		s.startEnded(w, r)
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.open(w, r, v, secret); err != nil {
		return err
	}
	held, err := s.Procedure.HandOffHeld(r.Context(), r.PathValue("token"), session)
	if err != nil {
		return err
	}
	if !held { // used twice at once: one of the two was not the user
		w.Header().Del("Set-Cookie")
		if err := s.Procedure.EndSession(r.Context(), session, workflow.SessionUsedTwice); err != nil {
			return err
		}
		s.startEnded(w, r)
		return nil
	}
	s.redirectHome(w, r, "")
	return nil
}

// click says where a hand-off's button was clicked.
type click int

const (
	clickAllowed click = iota // in the webmail, on our own page, or in a browser too old to say
	clickHidden               // nothing can be said
	clickForeign              // on a page of another site
)

// clickedOn reads where the form of a hand-off comes from. The origin is "null"
// if the page hides it (Referrer-Policy), if the form was redirected from one
// site to another before it came here (Fetch standard, "redirect-taint"), and in
// Chromium after any redirect to another origin, such as the webmail's 307. The
// Referer is then still that of the page with the form, which a redirect does not
// change and another site cannot choose.
func (s *Server) clickedOn(r *http.Request, c workflow.Client) click {
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
		return clickForeign
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return clickAllowed
	}
	return clickForeign
}

// longestHost is the number of characters of a host name at most (RFC 1035).
// Punycode takes time that grows with the square of their number.
const longestHost = 253

// originOf is the origin of a URL as a browser writes it (RFC 6454, 6.2); empty
// if the text is no URL.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || utf8.RuneCountInString(u.Hostname()) > longestHost {
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

// newSecret makes the secret of a session, of 256 bits.
func newSecret() string { return rand.Text() + rand.Text() }
