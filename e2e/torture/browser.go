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

// A browser is a person's browser without scripts. It keeps cookies, follows
// redirects and sends forms.
type browser struct {
	site     string // Stella's public URL
	address  string // client address for X-Forwarded-For
	client   *http.Client
	jar      http.CookieJar
	rand     *rand.Rand
	recorder *recorder

	page       page
	notice     string        // set by the last redirect after a form, for the next page
	retryAfter time.Duration // of the last answer
}

// A page is the page that a browser shows.
type page struct {
	kind     string
	url      *url.URL
	status   int
	document *goquery.Document
}

// pageTimeout is how long people wait for a page.
const pageTimeout = 20 * time.Second

func newBrowser(site, address string, r *rand.Rand, l *recorder) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // cannot happen without options
	}
	return &browser{
		site:     site,
		address:  address,
		jar:      jar,
		rand:     r,
		recorder: l,
		client: &http.Client{
			Timeout:       pageTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{DisableKeepAlives: true},
		},
	}
}

// errPageFailed is returned if a page did not load or is an error page.
var errPageFailed = errors.New("the page failed")

// fail records a failed page and returns errPageFailed with the reason.
func (b *browser) fail(how string) error {
	b.recorder.pageFailed(how)
	return fmt.Errorf("%w: %s", errPageFailed, how)
}

// open opens a path or a URL.
func (b *browser) open(ctx context.Context, path string) error {
	r, err := b.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	_, err = b.follow(r)
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

// send makes one request with the cookies that a browser would send: a form of
// another site sends none (SameSite).
func (b *browser) send(r *http.Request) (*http.Response, error) {
	if origin := r.Header.Get("Origin"); origin == "" || origin == r.URL.Scheme+"://"+r.URL.Host {
		for _, c := range b.jar.Cookies(r.URL) {
			r.AddCookie(c)
			b.keepSecret(c)
		}
	}
	began := time.Now()
	answer, err := b.client.Do(r)
	b.recorder.count("pages")
	b.recorder.recordWait(time.Since(began))
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

// isNotice reports whether a cookie contains a notice, which is not secret.
func isNotice(c *http.Cookie) bool { return strings.HasSuffix(c.Name, "stella-notice") }

// noticeOf returns the notice that a redirect sets for the next page.
func noticeOf(answer *http.Response) string {
	for _, c := range answer.Cookies() {
		if isNotice(c) {
			return c.Value
		}
	}
	return ""
}

// keepSecret records a cookie's value as a secret.
func (b *browser) keepSecret(c *http.Cookie) {
	if c.Value != "" && !isNotice(c) {
		b.recorder.addSecret(c.Value, "the cookie "+c.Name)
	}
}

// follow makes a request, follows redirects and shows the last page. It returns the
// Location of the first redirect, which depends on the result of a form.
func (b *browser) follow(r *http.Request) (first string, err error) {
	answer, err := b.send(r)
	for range 10 {
		if err != nil && r.Context().Err() != nil { // the run ends
			return first, r.Context().Err()
		}
		if err != nil {
			return first, b.fail(failureReason(err))
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
	return first, b.fail("too many redirects")
}

func (b *browser) show(answer *http.Response) error {
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil && answer.Request.Context().Err() != nil {
		return answer.Request.Context().Err()
	}
	if err != nil {
		return b.fail("incomplete page")
	}
	b.retryAfter = b.recorder.retryAfter(answer)
	if answer.StatusCode >= 500 {
		return b.errorPage(answer.StatusCode, string(text))
	}
	document, err := goquery.NewDocumentFromReader(strings.NewReader(string(text)))
	if err != nil {
		return b.fail("invalid HTML")
	}
	b.page = page{url: answer.Request.URL, status: answer.StatusCode, document: document}
	b.page.kind = kindOf(b.page)
	if answer.Request.URL.Host == hostOf(b.site) {
		b.recordState()
	}
	return nil
}

// retryAfter returns the Retry-After of an answer. A missing one with status 429 or
// 503 is a violation.
func (r *recorder) retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		r.count(fmt.Sprintf("answers of status %d", answer.StatusCode))
		if err != nil || seconds < 1 {
			r.violation("%s was answered %d with Retry-After %q",
				answer.Request.URL.Path, answer.StatusCode, answer.Header.Get("Retry-After"))
		}
	}
	return time.Duration(seconds) * time.Second
}

// nothingLost matches the statement that pages and the API contain if a part of
// Stella fails.
var nothingLost = regexp.MustCompile(`non (è|sono) pers[oi]|nothing was lost`)

// errorPage records an error page. It must say that nothing was lost.
func (b *browser) errorPage(status int, text string) error {
	if strings.Contains(text, noInstanceText) {
		return b.fail("no instance available")
	}
	if !nothingLost.MatchString(text) {
		b.recorder.violation("a page of status %d does not say that nothing is lost: %.300q", status, text)
	}
	return b.fail("status " + strconv.Itoa(status))
}

// recordState records the step and the state that the page shows.
func (b *browser) recordState() {
	if state, ok := stateShown(b.page); ok {
		if id, ok := b.shownStep(); ok {
			b.recorder.recordState(id, state)
		}
	}
}

// shownStep returns the qualification and version of the page's forms.
func (b *browser) shownStep() (stepID, bool) {
	id := b.page.document.Find(`input[name="id"]`).AttrOr("value", "")
	version, err := strconv.Atoi(b.page.document.Find(`input[name="version"]`).AttrOr("value", ""))
	return stepID{id, version}, err == nil && id != ""
}

func (b *browser) heading() string { return headingOf(b.page) }

// failureReason returns a short text about a failed request.
func failureReason(err error) string {
	var late interface{ Timeout() bool }
	if errors.As(err, &late) && late.Timeout() {
		return "timeout"
	}
	return "connection lost"
}

func hostOf(site string) string {
	u, err := url.Parse(site)
	if err != nil {
		return ""
	}
	return u.Host
}
