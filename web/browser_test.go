package web

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// A browser is somebody's, with its cookies and the page it shows.
type browser struct {
	*world
	jar http.CookieJar
	page

	old      bool // it does not say where a request comes from
	careless bool // it sends cookies along wherever a request comes from
}

// A page as it came.
type page struct {
	*goquery.Document
	url    *url.URL
	status int
	header http.Header
	body   string
	trail  []string // of the redirects on the way, as "303 /"
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
	r.Header.Set("Accept-Language", "it-IT,it;q=0.9")
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

// link is where the link of that name leads.
func (b *browser) link(name string) string {
	b.Helper()
	link := b.Find("a").FilterFunction(func(_ int, s *goquery.Selection) bool { return text(s) == name })
	if link.Length() == 0 {
		b.Fatalf("no link %q on the page: %s", name, b.text())
	}
	to, err := b.page.url.Parse(link.AttrOr("href", ""))
	b.must(err)
	return to.String()
}

// filled is a form as it would be sent.
type filled struct {
	action string
	values url.Values
}

// with replaces a field.
func (f filled) with(field, value string) filled {
	f.values = maps.Clone(f.values)
	f.values.Set(field, value)
	return f
}

// without leaves a field out.
func (f filled) without(fields ...string) filled {
	f.values = maps.Clone(f.values)
	for _, field := range fields {
		f.values.Del(field)
	}
	return f
}

// form is the form of the button of that name, filled in.
func (b *browser) form(button string, typed ...string) filled {
	b.Helper()
	found := b.Find("button").FilterFunction(func(_ int, s *goquery.Selection) bool { return text(s) == button })
	// Where several do, it is the one whose form has the field.
	form := found.First().Closest("form")
	for i := range found.Nodes {
		f := found.Eq(i).Closest("form")
		if len(typed) > 0 && f.Find(`input[name="`+typed[0]+`"]`).Length() > 0 {
			form = f
		}
	}
	if form.Length() == 0 {
		b.Fatalf("no form with a button %q on the page: %s", button, b.text())
	}
	if form.AttrOr("method", "") != "post" {
		b.Errorf("the form of %q is not posted", button)
	}
	values := url.Values{}
	form.Find("input").Each(func(_ int, input *goquery.Selection) {
		_, checked := input.Attr("checked")
		if input.AttrOr("type", "") != "radio" || checked {
			values.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
		}
	})
	clicked := found.First()
	if name := clicked.AttrOr("name", ""); name != "" {
		values.Set(name, clicked.AttrOr("value", ""))
	}
	for i := 0; i < len(typed); i += 2 {
		input := form.Find(`input[name="` + typed[i] + `"]`)
		if input.AttrOr("type", "") == "radio" {
			input = input.FilterFunction(func(_ int, s *goquery.Selection) bool { return s.AttrOr("value", "") == typed[i+1] })
		}
		if input.Length() == 0 {
			b.Fatalf("the form of %q has no %s %q: %s", button, typed[i], typed[i+1], b.text())
		}
		values.Set(typed[i], typed[i+1])
	}
	to, err := b.page.url.Parse(form.AttrOr("action", ""))
	b.must(err)
	return filled{to.String(), values}
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

// text is what is read on the page, but for header and footer.
func (p page) text() string { return text(p.Find("main")) }

func text(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

// at checks where one is, by the page's heading, and what is said there.
func (b *browser) at(heading string, sentences ...string) *browser {
	b.Helper()
	return b.answered(http.StatusOK, heading, sentences...)
}

// answered is at with a status.
func (b *browser) answered(status int, heading string, sentences ...string) *browser {
	b.Helper()
	if got := text(b.Find("h1")); b.status != status || got != heading {
		b.Fatalf("the answer is %d %q, want %d %q: %s (%v)", b.status, got, status, heading, b.text(), b.trail)
	}
	if title := strings.TrimPrefix(text(b.Find("title")), "Errore: "); !strings.HasPrefix(title, heading+" – ") && b.page.url.Hostname() == "127.0.0.1" {
		b.Errorf("the title is %q", text(b.Find("title")))
	}
	for _, s := range sentences {
		if !strings.Contains(b.text(), s) {
			b.Errorf("the page does not say %q: %s", s, b.text())
		}
	}
	return b
}

// tells checks the notice above the page; an empty one that there is none.
func (b *browser) tells(notice string) *browser {
	b.Helper()
	if got := text(b.Find(".notice")); got != notice {
		b.Errorf("the notice is %q, want %q", got, notice)
	}
	return b
}

// wrong checks that the page says what is wrong with an input, at the top and
// at the input.
func (b *browser) wrong(field, sentence string) *browser {
	b.Helper()
	if b.status != http.StatusUnprocessableEntity {
		b.Fatalf("the status is %d, want 422: %s (%v)", b.status, b.text(), b.trail)
	}
	if title := text(b.Find("title")); !strings.HasPrefix(title, "Errore: ") {
		b.Errorf("the title is %q", title)
	}
	summary := b.Find(`.summary[role="alert"]`)
	if got := text(summary.Find("h2")); got != "C'è un problema" {
		b.Errorf("the summary of errors has the heading %q", got)
	}
	var said []string
	summary.Find(`a[href="#` + field + `"]`).Each(func(_ int, s *goquery.Selection) { said = append(said, text(s)) })
	if !slices.Contains(said, sentence) {
		b.Errorf("the summary does not say %q of %s: %s", sentence, field, text(summary))
	}
	if b.Find("#"+field).Length() != 1 {
		b.Errorf("the summary leads to %s, which is not there", field)
	}
	if got := text(b.Find("#" + field + "-fault")); got != "Errore: "+sentence {
		b.Errorf("the input says %q", got)
	}
	return b
}

// holds checks what stands in an input.
func (b *browser) holds(field, value string) *browser {
	b.Helper()
	input := b.Find(`input[name="` + field + `"]`)
	got := input.AttrOr("value", "")
	if input.AttrOr("type", "") == "radio" {
		got = b.Find(`input[name="`+field+`"][checked]`).AttrOr("value", "")
	}
	if got != value {
		b.Errorf("%s holds %q, want %q", field, got, value)
	}
	return b
}
