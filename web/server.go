// Package web serves the holder's pages and the endpoints for identity providers.
// Its handlers contain no rules of the procedure: a form fires one event of package
// workflow and redirects to /, which shows the page of the stored state.
//
// Start with server.go, which has the routes, then pages.go and forms.go.
//
//   - server.go: Server, the routes, the check of the origin of forms
//   - pages.go: the page of each state
//   - forms.go: the forms, each with its event
//   - fields.go: reads the input of forms, and converts errors to messages
//   - notice.go: notices that the page after a form shows once
//   - session.go: cookies, sessions and visitors
//   - session_time.go: the remaining time of a session, for the page's script
//   - draft.go: keeps the input of a form that was sent after the session ended
//   - switch.go: one mailbox at a time in a browser
//   - language.go: the language of the pages
//   - start.go, invitation.go: the two ways to enter, by the webmail or by invitation
//   - federation.go: the two login schemes, SPID and CIE
//   - login.go: sends the browser to an identity provider
//   - answer.go: handles the response of an identity provider
//   - failure.go: the page of a failed login
//   - trial.go: trials, the logins of official testers
//   - logout.go: logout requests of identity providers
//   - code.go: the status of the newest code, for the page's script
//   - guide.go: the public guide of the procedure
//   - logos.go: the logos that the operator provides
//   - limits.go: the messages of limits
//   - time.go: formats and rounds times
//   - fault.go: maps errors to statuses, pages and logged reasons
package web

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"stella/middleware"
	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

// Server serves the pages. A field is required unless its comment says otherwise.
type Server struct {
	Procedure     *qualification.Procedure
	Provider      *workflow.Provider
	Logins        *workflow.Logins
	Sessions      *workflow.Sessions
	Templates     *templates.Templates
	SPID          Federation
	CIE           *Federation // nil if logins with CIE are off
	Purpose       string      // of the professional identity that a company's login requires (SPID Avviso 18); "" for none
	Collaudo      bool        // allows trials, the logins of official testers
	Logos         fs.FS       // optional; Handler reads it
	PublicURL     *url.URL
	IsUnavailable func(error) bool // reports whether an error means that the database is unavailable
	Log           *slog.Logger
	Now           func() time.Time

	logos map[string]logo // by file name
}

// maxBody is the maximum size of a request's body in bytes. Forms are small, and
// SAML responses have about 15 kB. cmd/stella also limits the number of fields
// (GODEBUG urlmaxqueryparams).
const maxBody = 64 << 10

// handler handles a request. If it returns an error, fault writes the response.
type handler func(w http.ResponseWriter, r *http.Request) error

// Handler returns the handler of all routes, for a [middleware.Stack]. It reads Logos.
func (s *Server) Handler() http.Handler {
	s.logos = s.readLogos()
	mux := http.NewServeMux()
	route := func(pattern string, h handler) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				s.fault(w, r, err)
			}
		})
	}
	route("GET /{$}", s.home)
	route("GET "+GuidePath, s.showGuide)
	route("GET "+GuidePath+"/qr.svg", s.showGuideCode)
	route("GET /start/{token}", s.showStart)
	route("POST /start/{token}", s.start)
	route("GET /invito/{token}", s.showInvitation)
	route("POST /invito/{token}", s.acceptInvitation)
	route("POST /invito/{token}/rifiuta", s.declineInvitation)
	route("POST /casella/nuova", s.switchMailbox)
	route("POST /casella/precedente", s.keepMailbox)
	route("POST /esci", s.leave)
	route("GET "+sessionPath, s.sessionLeft)
	route("POST "+sessionPath, s.prolongSession)

	for path, f := range forms {
		route("POST "+path, s.form(f))
		route("GET "+path, s.formPage(f))
	}
	route("GET /identificazione", s.loginPage(s.methods))
	route("GET /identificazione/spid", s.loginPage(s.providers))
	route("GET /identificazione/avvia", s.startLogin)
	for _, f := range s.federations() {
		in := func(h func(http.ResponseWriter, *http.Request, *Federation) error) handler {
			return func(w http.ResponseWriter, r *http.Request) error { return h(w, r, f) }
		}
		route("GET "+f.path()+"/metadata", in(s.metadata))
		route("POST "+f.path()+"/acs", in(s.receiveAnswer))
		route("GET "+f.path()+"/return", in(s.returnFromLogin))
		route("GET "+f.path()+"/logout", in(s.logout))
		if s.Collaudo {
			route("GET "+f.path()+"/collaudo", in(s.startTrial))
		}
	}
	// The SPID technical rules define this path ("Metadata").
	route("GET /metadata", func(w http.ResponseWriter, r *http.Request) error { return s.metadata(w, r, &s.SPID) })
	route("GET /loghi/{name}", s.showLogo)
	route("GET /codice/stato", s.codeStatus)
	route("GET /invito/stato", s.invitationStatus)
	mux.Handle("GET /static/", templates.Static())
	route("/", func(w http.ResponseWriter, r *http.Request) error {
		if methods := methodsOf(mux, r); len(methods) > 0 {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			return errMethod
		}
		return errNotFound
	})

	panicked := func(w http.ResponseWriter, r *http.Request) { s.fault(w, r, errors.New("panic")) }
	return middleware.Pages(maxBody, middleware.Recover(s.Log, panicked, s.sameOrigin(s.rememberLanguage(mux))))
}

// methodsOf lists the methods that a path has a route for.
func methodsOf(mux *http.ServeMux, r *http.Request) []string {
	var methods []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		if _, pattern := mux.Handler(&http.Request{Method: m, URL: r.URL, Host: r.Host}); pattern != "/" {
			methods = append(methods, m)
		}
	}
	return methods
}

// sameOrigin refuses forms from other sites (CSRF). It makes two exceptions: the
// SAML response of an identity provider, and the hand-off of a webmail, whose
// handler checks the origin itself. It does not check GET requests: each GET that
// changes state has its own protection.
func (s *Server) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	for _, f := range s.federations() {
		protection.AddInsecureBypassPattern("POST " + f.path() + "/acs")
	}
	protection.AddInsecureBypassPattern("POST /start/{token}")
	if err := protection.AddTrustedOrigin(s.PublicURL.Scheme + "://" + s.PublicURL.Host); err != nil {
		panic(fmt.Sprintf("web: the public URL is not an origin: %v", err)) // cmd/stella validates the URL
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fault(w, r, errCrossOrigin)
	}))
	return protection.Handler(next)
}

func requestID(r *http.Request) string { return middleware.ID(r.Context()) }

// clientAddress returns the address of the client of a request, behind proxies.
func clientAddress(r *http.Request) netip.Addr { return middleware.Address(r.Context()) }
