package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// A browser is a person's, without scripts: it keeps cookies, follows
// redirects, and sends the forms that it is shown.
type browser struct {
	site    string // Stella's, https://…
	address string // where it says it comes from
	client  *http.Client
	jar     http.CookieJar
	rand    *rand.Rand
	ledger  *ledger

	page       page
	notice     string        // that the last redirect of a form left for the page after it
	retryAfter time.Duration // that the last answer asked for
}

// A page is what a browser shows.
type page struct {
	kind     string
	url      *url.URL
	status   int
	document *goquery.Document
}

// patience is for how long people look at an empty page.
const patience = 20 * time.Second

func newBrowser(site, address string, r *rand.Rand, l *ledger) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no options to be wrong
	}
	return &browser{site: site, address: address, jar: jar, rand: r, ledger: l,
		client: &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{DisableKeepAlives: true}}}
}

// errTrouble is returned for a page that did not come, or is one of a failure.
var errTrouble = errors.New("the page did not come")

func (b *browser) trouble(how string) error {
	b.ledger.fail(how)
	return fmt.Errorf("%w: %s", errTrouble, how)
}

// open goes to an address.
func (b *browser) open(ctx context.Context, path string) error {
	r, err := b.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	_, err = b.load(r)
	return err
}

func (b *browser) request(ctx context.Context, method, path string, form url.Values) (*http.Request, error) {
	at, err := url.Parse(b.site)
	if err != nil {
		return nil, err
	}
	if b.page.url != nil {
		at = b.page.url
	}
	to, err := at.Parse(path)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Forwarded-For", b.address)
	r.Header.Set("Accept-Language", "it")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", at.Scheme+"://"+at.Host)
	}
	return r, nil
}

// send makes one request, with the cookies that a browser would send: no form
// of another site brings ours.
func (b *browser) send(r *http.Request) (*http.Response, error) {
	if origin := r.Header.Get("Origin"); origin == "" || origin == r.URL.Scheme+"://"+r.URL.Host {
		for _, c := range b.jar.Cookies(r.URL) {
			r.AddCookie(c)
			b.keepSecret(c)
		}
	}
	began := time.Now()
	answer, err := b.client.Do(r)
	b.ledger.count("pages")
	b.ledger.waited(time.Since(began))
	b.retryAfter = 0
	if err != nil {
		return nil, err
	}
	b.jar.SetCookies(r.URL, answer.Cookies())
	for _, c := range answer.Cookies() {
		b.keepSecret(c)
	}
	return answer, nil
}

// isNotice tells the cookie that holds a notice, which is a word and no secret.
func isNotice(c *http.Cookie) bool { return strings.HasSuffix(c.Name, "stella-notice") }

// noticeOf is the notice that a redirect leaves for the page it leads to.
func noticeOf(answer *http.Response) string {
	for _, c := range answer.Cookies() {
		if isNotice(c) {
			return c.Value
		}
	}
	return ""
}

// keepSecret notes a cookie's value, which must be found nowhere.
func (b *browser) keepSecret(c *http.Cookie) {
	if c.Value != "" && !isNotice(c) {
		b.ledger.secret(c.Value, "the cookie "+c.Name)
	}
}

// load makes a request, follows where it leads, and shows the page at the end.
// It returns the first redirect's place, which says what became of a form.
func (b *browser) load(r *http.Request) (first string, err error) {
	answer, err := b.send(r)
	for range 10 {
		if err != nil && r.Context().Err() != nil { // people left
			return first, r.Context().Err()
		}
		if err != nil {
			return first, b.trouble(why(err))
		}
		to := answer.Header.Get("Location")
		if answer.StatusCode/100 != 3 || to == "" {
			return first, b.show(answer)
		}
		answer.Body.Close()
		if first == "" {
			first, b.notice = to, noticeOf(answer)
		}
		b.page.url = answer.Request.URL
		next, err2 := b.request(r.Context(), http.MethodGet, to, nil)
		if err2 != nil {
			return first, err2
		}
		answer, err = b.send(next)
	}
	return first, b.trouble("it redirects without end")
}

func (b *browser) show(answer *http.Response) error {
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil && answer.Request.Context().Err() != nil {
		return answer.Request.Context().Err()
	}
	if err != nil {
		return b.trouble("half a page")
	}
	b.retryAfter = b.ledger.retryAfter(answer)
	if answer.StatusCode >= 500 {
		return b.failed(answer.StatusCode, string(text))
	}
	document, err := goquery.NewDocumentFromReader(strings.NewReader(string(text)))
	if err != nil {
		return b.trouble("a page that cannot be read")
	}
	b.page = page{url: answer.Request.URL, status: answer.StatusCode, document: document}
	b.page.kind = kindOf(b.page)
	if answer.Request.URL.Host == hostOf(b.site) {
		b.witness()
	}
	return nil
}

// retryAfter is for how long an answer asks to be left alone. One that says that
// it was too much, or that a part of Stella is away, has to say that too.
func (l *ledger) retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		l.count(fmt.Sprintf("answers of status %d", answer.StatusCode))
		if err != nil || seconds < 1 {
			l.lie("%s was answered %d with Retry-After %q", answer.Request.URL.Path, answer.StatusCode, answer.Header.Get("Retry-After"))
		}
	}
	return time.Duration(seconds) * time.Second
}

// nothingLost is what a page says, or the API, where a part of Stella fails.
var nothingLost = regexp.MustCompile(`non (è|sono) pers[oi]|nothing was lost`)

// failed notes a page of a failure. It is to say that nothing was lost.
func (b *browser) failed(status int, text string) error {
	if strings.Contains(text, balancersOwn) {
		return b.trouble("no instance answers")
	}
	if !nothingLost.MatchString(text) {
		b.ledger.lie("a page of status %d does not say that nothing is lost: %.300q", status, text)
	}
	return b.trouble("status " + strconv.Itoa(status))
}

// witness notes what the page shows of the procedure.
func (b *browser) witness() {
	if state, ok := stateShown(b.page); ok {
		if id, ok := b.stands(); ok {
			b.ledger.show(id, state)
		}
	}
}

// stands returns the version that the page was made for.
func (b *browser) stands() (stepID, bool) {
	id := b.page.document.Find(`input[name="id"]`).AttrOr("value", "")
	version, err := strconv.Atoi(b.page.document.Find(`input[name="version"]`).AttrOr("value", ""))
	return stepID{id, version}, err == nil && id != ""
}

func (b *browser) heading() string { return headingOf(b.page) }

// why says in a few words why a request failed.
func why(err error) string {
	var late interface{ Timeout() bool }
	if errors.As(err, &late) && late.Timeout() {
		return "no answer in time"
	}
	return "the connection broke"
}

func hostOf(site string) string {
	u, err := url.Parse(site)
	if err != nil {
		return ""
	}
	return u.Host
}
