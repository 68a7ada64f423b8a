// Package webtest contains a browser without scripts, for tests. Like the browsers of
// people it keeps cookies, follows redirects, fills in forms and sends the headers and
// cookies of cross-site requests.
//
//	browser.go   the browser and its requests
//	page.go      the page that it shows, with its links
//	form.go      the forms of a page
//	walk.go      the way of a holder through the procedure, page by page
//
// It reports errors to its caller, which knows what an error means: a failed test, or
// the page that a person sees while a fault is injected.
package webtest

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// A Browser is a browser with its cookies and the page that it shows.
type Browser struct {
	Site      string            // URL of the site to which paths belong, without a slash at the end
	Transport http.RoundTripper // sends the requests; it can observe or check the responses
	Timeout   time.Duration     // of one request; none if zero
	Language  string            // Accept-Language; Italian if empty
	Address   string            // X-Forwarded-For; none if empty

	NoOrigin        bool // does not send Origin and Sec-Fetch-Site
	IgnoresSameSite bool // sends cookies with forms of other sites too

	Page
	jar http.CookieJar
}

// New returns a browser that shows no page yet.
func New(site string, transport http.RoundTripper) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // cannot happen without options
	}
	return &Browser{Site: site, Transport: transport, jar: jar}
}

// Window returns another window with the same page. Both share the cookies.
func (b *Browser) Window() *Browser {
	w := *b
	return &w
}

// Cookies returns the cookies for the site.
func (b *Browser) Cookies() []*http.Cookie { return b.jar.Cookies(b.url("/")) }

// SetCookie adds a cookie for the site.
func (b *Browser) SetCookie(c *http.Cookie) {
	kept := *c
	kept.Path = "/"
	b.jar.SetCookies(b.url("/"), []*http.Cookie{&kept})
}

func (b *Browser) url(path string) *url.URL {
	u, err := url.Parse(b.Site + path)
	if err != nil {
		panic(err) // the test chose the site
	}
	return u
}

// Request returns a request for a URL or a path of the site. A form is sent from the
// page that is shown.
func (b *Browser) Request(ctx context.Context, method, address string, form url.Values) (*http.Request, error) {
	if strings.HasPrefix(address, "/") {
		address = b.Site + address
	}
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Language", cmp.Or(b.Language, "it-IT,it;q=0.9"))
	if b.Address != "" {
		r.Header.Set("X-Forwarded-For", b.Address)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	switch {
	case b.NoOrigin:
	case method != http.MethodPost || b.URL == nil:
		r.Header.Set("Sec-Fetch-Site", "none")
	default:
		SendFrom(r, b.URL.Scheme+"://"+b.URL.Host)
	}
	return r, nil
}

// SendFrom sets the headers of a form that is on a page of an origin. Two origins with
// the same host are one site.
func SendFrom(r *http.Request, origin string) {
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if from, err := url.Parse(origin); err == nil && from.Hostname() == r.URL.Hostname() {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
}

// Send sends one request with the cookies of the browser, and keeps those of the
// response. It returns the response and its body, without showing it.
func (b *Browser) Send(r *http.Request) (*http.Response, string, error) {
	crossSite := r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Method == http.MethodPost
	if !crossSite || b.IgnoresSameSite { // the cookies are SameSite=Lax
		for _, c := range b.jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
	}
	client := http.Client{Transport: b.Transport, Timeout: b.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	b.jar.SetCookies(r.URL, response.Cookies())
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// ErrRedirects is the error of a page that redirects again and again.
var ErrRedirects = errors.New("too many redirects")

// Load sends a request and follows redirects. It returns the page without showing it.
// If it fails, it returns a page that contains the redirects only.
func (b *Browser) Load(r *http.Request) (Page, error) {
	var p Page
	for range 10 {
		response, body, err := b.Send(r)
		if err != nil {
			return p, err
		}
		to, err := response.Location()
		if err != nil { // no Location
			err = p.read(response, body)
			return p, err
		}
		p.Redirects = append(p.Redirects, response)
		if r, err = b.Request(r.Context(), http.MethodGet, to.String(), nil); err != nil {
			return p, err
		}
	}
	return p, ErrRedirects
}
