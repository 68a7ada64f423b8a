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

// A browser is somebody's, with its cookies and the page it shows.
type browser struct {
	*world
	jar http.CookieJar
	page

	reads    string // its Accept-Language; Italian if empty
	old      bool   // it does not say where a request comes from
	careless bool   // it sends cookies along wherever a request comes from
}

func (w *world) browser() *browser {
	w.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &browser{world: w, jar: jar}
}

// cookies are the browser's of ours.
func (b *browser) cookies() []*http.Cookie {
	return b.jar.Cookies(b.server.PublicURL)
}

// hold puts a cookie of ours into the browser.
func (b *browser) hold(c *http.Cookie) {
	kept := *c
	kept.Path = "/"
	b.jar.SetCookies(b.server.PublicURL, []*http.Cookie{&kept})
}

// direct sends requests as they are.
var direct = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 4},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send sends a request, with the cookies a browser would send along, keeps
// what it is given, and returns the answer and its text.
func (b *browser) send(r *http.Request) (*http.Response, string) {
	b.Helper()
	crossSite := r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Method == http.MethodPost
	if !crossSite || b.careless { // ours are Lax
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

// load sends a request, follows where it leads and shows the page.
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
		// Terms and what they say are told apart by their place.
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(strings.ReplaceAll(body, "</dt>", "</dt> ")))
		b.must(err)
		b.page = page{doc, r.URL, response.StatusCode, response.Header, body, trail}
		return b
	}
	b.Fatalf("too many redirects: %v", trail)
	return nil
}

// request makes a request, from the page that is shown.
func (b *browser) request(method, address string, form url.Values) *http.Request {
	b.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.world.url + address
	}
	r, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(form.Encode()))
	b.must(err)
	r.Header.Set("Accept-Language", cmp.Or(b.reads, "it-IT,it;q=0.9"))
	if b.from != "" {
		r.Header.Set("X-Forwarded-For", b.from)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.old {
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

// get opens an address.
func (b *browser) get(address string) *browser {
	b.Helper()
	return b.load(b.request(http.MethodGet, address, nil))
}

// post sends a form that is not on the page shown.
func (b *browser) post(f filled) *browser {
	b.Helper()
	return b.load(b.request(http.MethodPost, f.action, f.values))
}

// click follows the link of that name.
func (b *browser) click(name string) *browser {
	b.Helper()
	return b.get(b.link(name))
}

// press sends the form of the button of that name, filled in.
func (b *browser) press(button string, typed ...string) *browser {
	b.Helper()
	return b.post(b.form(button, typed...))
}

// handOver comes from the webmail.
func (b *browser) handOver(h holder) *browser {
	b.Helper()
	return b.start(b.handOff(h))
}

// start sends the webmail's form, which is from another site.
func (b *browser) start(secret string) *browser {
	b.Helper()
	r := b.request(http.MethodPost, "/start/"+secret, nil)
	r.Header.Set("Origin", "https://webmail.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return b.load(r)
}
