package web

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// browser simulates a user's browser, with its cookies and the current page.
type browser struct {
	*world
	jar http.CookieJar
	page

	acceptLanguage  string // Accept-Language; Italian if empty
	noOrigin        bool   // does not send Origin and Sec-Fetch-Site
	ignoresSameSite bool   // sends cookies with cross-site requests too
}

func (w *world) browser() *browser {
	w.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &browser{world: w, jar: jar}
}

// cookies returns the browser's cookies for the server.
func (b *browser) cookies() []*http.Cookie {
	return b.jar.Cookies(b.server.PublicURL)
}

// setCookie adds a cookie to the browser.
func (b *browser) setCookie(c *http.Cookie) {
	kept := *c
	kept.Path = "/"
	b.jar.SetCookies(b.server.PublicURL, []*http.Cookie{&kept})
}

// direct follows no redirects and has no cookies.
var direct = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 4},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send sends a request with the browser's cookies, stores the cookies of the
// response, and returns the response and its body.
func (b *browser) send(r *http.Request) (*http.Response, string) {
	b.Helper()
	crossSite := r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Method == http.MethodPost
	if !crossSite || b.ignoresSameSite { // the cookies are SameSite=Lax
		for _, c := range b.jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
	}
	response, err := direct.Do(r)
	b.must(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	b.must(err)
	b.jar.SetCookies(r.URL, response.Cookies())
	for _, c := range response.Cookies() {
		if c.Value != "" {
			b.secrets = append(b.secrets, c.Value)
		}
	}
	if strings.HasPrefix(r.URL.String(), b.world.url) {
		b.checkHeaders(response)
	}
	return response, string(body)
}

// load sends a request, follows redirects and shows the page.
func (b *browser) load(r *http.Request) *browser {
	b.Helper()
	var trail []string
	for range 10 {
		response, body := b.send(r)
		if location := response.Header.Get("Location"); location != "" {
			trail = append(trail, fmt.Sprint(response.StatusCode, " ", location))
			to, err := r.URL.Parse(location)
			b.must(err)
			r = b.request(http.MethodGet, to.String(), nil)
			continue
		}
		// A space separates the text of a term from its description.
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(strings.ReplaceAll(body, "</dt>", "</dt> ")))
		b.must(err)
		b.page = page{doc, r.URL, response.StatusCode, response.Header, body, trail}
		return b
	}
	b.Fatalf("too many redirects: %v", trail)
	return nil
}

// request returns a request, with the headers of the current page.
func (b *browser) request(method, address string, form url.Values) *http.Request {
	b.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.world.url + address
	}
	r, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(form.Encode()))
	b.must(err)
	r.Header.Set("Accept-Language", cmp.Or(b.acceptLanguage, "it-IT,it;q=0.9"))
	if b.from != "" {
		r.Header.Set("X-Forwarded-For", b.from)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.noOrigin {
		return r
	}
	site := "none"
	if b.page.url != nil && method == http.MethodPost {
		site = "same-origin"
		if b.page.url.Hostname() != r.URL.Hostname() {
			site = "cross-site"
		}
		r.Header.Set("Origin", b.page.url.Scheme+"://"+b.page.url.Host)
	}
	r.Header.Set("Sec-Fetch-Site", site)
	return r
}

// get opens a URL.
func (b *browser) get(address string) *browser {
	b.Helper()
	return b.load(b.request(http.MethodGet, address, nil))
}

// post sends a form, which need not be on the current page.
func (b *browser) post(f filledForm) *browser {
	b.Helper()
	return b.load(b.request(http.MethodPost, f.action, f.values))
}

// click follows the link with a text.
func (b *browser) click(name string) *browser {
	b.Helper()
	return b.get(b.link(name))
}

// press fills in and sends the form of the button with a text. typed are the names
// and values of inputs.
func (b *browser) press(button string, typed ...string) *browser {
	b.Helper()
	return b.post(b.form(button, typed...))
}

// handOver starts the procedure from the webmail.
func (b *browser) handOver(h holder) *browser {
	b.Helper()
	return b.start(b.handOff(h))
}

// start sends the hand-off's form from the webmail's site.
func (b *browser) start(secret string) *browser {
	b.Helper()
	r := b.request(http.MethodPost, "/start/"+secret, nil)
	r.Header.Set("Origin", "https://webmail.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return b.load(r)
}
