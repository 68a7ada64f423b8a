// Package web is the holder's pages and the endpoints for identity providers.
// Its handlers decide nothing: a form fires one event of the procedure and
// leads to /, which shows the page of the state that is stored.
//
//   - server.go: the routes, and what holds for each request
//   - session.go: who the visitor is
//   - stay.go: how long the session lasts, and a visitor who stays
//   - language.go: the language of the pages
//   - entry.go: one mailbox at a time in a browser
//   - draft.go: what was typed when the session had ended
//   - pages.go: the page of each state
//   - forms.go: the forms, each with its event
//   - notice.go: what the page after a form says once
//   - fields.go: what is typed into them, and what is told to be wrong with it
//   - start.go, invitation.go: the two ways in
//   - federation.go: SPID and CIE, in which one can log in
//   - login.go: the way to an identity provider
//   - answer.go: the way back
//   - failure.go: what people are told of a login that failed
//   - trial.go: logins of official testers
//   - logout.go: logouts that an identity provider asks for
//   - guide.go: the public guide of the procedure
//   - logos.go: the marks that the operator provides
//   - limits.go: what is told of what was done too often
//   - moment.go: times as people read them
//   - code.go: where the newest code stands, for the page's script
//   - refusal.go: the words for what was refused
//   - fault.go: the one table from errors to statuses and pages
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
)

// Server serves the pages. The fields whose comment does not say otherwise are
// needed.
type Server struct {
	Procedure *workflow.Procedure
	Templates *templates.Templates
	SPID      Federation
	CIE       *Federation // nil if one cannot log in with CIE
	Purpose   string      // of the identity that SPID is asked for on behalf of a company (Avviso 18); empty for a person's own
	Collaudo  bool        // official testers may log in, for no mailbox
	Logos     fs.FS       // read by Handler; nil if there are none
	PublicURL *url.URL
	Proxies   []netip.Prefix   // whose X-Forwarded-For is believed
	Away      func(error) bool // whether an error is that of a database which cannot be reached
	Log       *slog.Logger
	Requests  *request.Log
	Now       func() time.Time

	logos     map[string]logo // by file name
	unreadHop *sync.Once      // logs a proxy that names no address
}

// A larger body is refused: forms are small, and SAML responses have about 15 kB. A
// body with more fields than cmd/stella allows (urlmaxqueryparams) is refused
// before they are read.
const maxBody = 64 << 10

// handler is a request's handler; its error is answered by the table in fault.go.
type handler func(w http.ResponseWriter, r *http.Request) error

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	s.logos, s.unreadHop = s.readLogos(), &sync.Once{}
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
	route("POST /casella/nuova", s.goToNext)
	route("POST /casella/precedente", s.stayInFormer)
	route("POST /esci", s.leave)
	route("GET "+sessionPath, s.sessionLeft)
	route("POST "+sessionPath, s.stay)

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
	// Where the SPID technical rules have it ("Metadata").
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

	return s.identify(s.guard(s.sameOrigin(s.keepLanguage(mux))))
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

// sameOrigin refuses forms of other sites. Two may come from elsewhere: the
// answer of an identity provider, and the click that a webmail hands over, whose
// handler looks at where it comes from. A GET may come from anywhere: those that
// act defend themselves.
func (s *Server) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	for _, f := range s.federations() {
		protection.AddInsecureBypassPattern("POST " + f.path() + "/acs")
	}
	protection.AddInsecureBypassPattern("POST /start/{token}")
	if err := protection.AddTrustedOrigin(s.PublicURL.Scheme + "://" + s.PublicURL.Host); err != nil {
		panic(fmt.Sprintf("web: the public URL is no origin: %v", err)) // the configuration was checked
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fault(w, r, errCrossOrigin)
	}))
	return protection.Handler(next)
}

// contentSecurity allows what our pages use, which is nothing inline and
// nothing from elsewhere.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard sets what every answer carries, and bounds what every request may.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		request.Protect(h, s.PublicURL.Scheme == "https")
		h.Set("Content-Security-Policy", contentSecurity)
		h.Set("Referrer-Policy", "same-origin") // with no-referrer one's own forms send Origin: null
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

// identify gives each request an id, and logs it by the pattern of its route:
// links hold secrets.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, asked *http.Request) {
		r, answer := request.Identify(asked), request.NewAnswer(w)
		began := s.Now()
		next.ServeHTTP(answer, r)
		asked.Pattern = r.Pattern // for who counts requests
		s.Requests.Served(r, s.ClientAddress(r), answer.Status, s.Now().Sub(began))
	})
}

func requestID(r *http.Request) string { return request.ID(r.Context()) }

// ClientAddress is where a request came from: the last address that a proxy of
// ours put down, or else the other end of the connection.
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
			s.unreadHop.Do(func() {
				s.Log.WarnContext(r.Context(), "X-Forwarded-For names no address: people have the limits of the proxy, as one network; this is logged once",
					"proxy", address, "part", hop[:min(len(hop), 60)])
			})
			break
		}
		address = before
	}
	return address
}

// parseHop reads an address of X-Forwarded-For: some proxies write a port with
// it, or brackets around it.
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
