// Package web serves the holder's pages and the endpoints for identity providers.
// Its handlers contain no rules of the procedure: a form fires one event of package
// workflow and redirects to /, which shows the page of the stored state.
//
// Start with server.go, which has the routes, then pages.go and forms.go.
//
//   - server.go: Server, the routes, the middleware of all requests
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
//   - refusal.go: the reasons that are logged for refused requests
//   - fault.go: maps errors to statuses and pages
package web

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"stella/request"
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
	Proxies       []netip.Prefix   // the proxies whose X-Forwarded-For is trusted
	IsUnavailable func(error) bool // reports whether an error means that the database is unavailable
	Log           *slog.Logger
	Requests      *request.Log
	Now           func() time.Time

	logos  map[string]logo // by file name
	badHop *sync.Once      // logs a malformed X-Forwarded-For
}

// maxBody is the maximum size of a request's body in bytes. Forms are small, and
// SAML responses have about 15 kB. cmd/stella also limits the number of fields
// (GODEBUG urlmaxqueryparams).
const maxBody = 64 << 10

// handler handles a request. If it returns an error, fault writes the response.
type handler func(w http.ResponseWriter, r *http.Request) error

// Handler returns the handler of all routes. It reads Logos.
func (s *Server) Handler() http.Handler {
	s.logos, s.badHop = s.readLogos(), &sync.Once{}
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

	return s.identify(s.guard(s.sameOrigin(s.rememberLanguage(mux))))
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

// contentSecurity is the Content-Security-Policy of all pages: nothing inline, and
// nothing from other sites.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard sets the security headers, limits the size of the body, and turns a panic
// into an error page.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		request.Protect(h, s.PublicURL.Scheme == "https")
		h.Set("Content-Security-Policy", contentSecurity)
		h.Set("Referrer-Policy", "same-origin") // with no-referrer our own forms would send Origin: null
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				s.Log.ErrorContext(r.Context(), "a handler panicked", "request", requestID(r), "panic", p, "stack", string(debug.Stack()))
				s.fault(w, r, fmt.Errorf("panic"))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// identify gives each request an ID and logs it. The log has the route's pattern
// instead of the path, since links contain secrets.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, asked *http.Request) {
		r, answer := request.Identify(asked), request.NewAnswer(w)
		began := s.Now()
		next.ServeHTTP(answer, r)
		asked.Pattern = r.Pattern // for the metrics of cmd/stella
		s.Requests.Served(r, s.ClientAddress(r), answer.Status, s.Now().Sub(began))
	})
}

func requestID(r *http.Request) string { return request.ID(r.Context()) }

// ClientAddress returns the address of the client: that of the connection, or, if
// it is in Proxies, the last address in X-Forwarded-For that is not. It stops at an
// element that is not an address, and returns the proxy that sent it. The result is
// invalid if the connection has no address.
func (s *Server) ClientAddress(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if hop = strings.TrimSpace(hop); hop == "" {
			continue
		}
		if !s.isProxy(address) {
			break
		}
		before, err := parseHop(hop)
		if err != nil {
			s.badHop.Do(func() {
				s.Log.WarnContext(r.Context(),
					"X-Forwarded-For names no address: people have the limits of the proxy, as one network; this is logged once",
					"proxy", address, "part", hop[:min(len(hop), 60)])
			})
			break
		}
		address = before
	}
	return address
}

// parseHop parses one element of X-Forwarded-For. Some proxies add a port, or
// brackets.
func parseHop(hop string) (netip.Addr, error) {
	if with, err := netip.ParseAddrPort(hop); err == nil {
		return with.Addr().WithZone("").Unmap(), nil
	}
	if inside, found := strings.CutPrefix(hop, "["); found {
		hop = strings.TrimSuffix(inside, "]")
	}
	address, err := netip.ParseAddr(hop)
	return address.WithZone("").Unmap(), err
}

func (s *Server) isProxy(a netip.Addr) bool {
	return slices.ContainsFunc(s.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
