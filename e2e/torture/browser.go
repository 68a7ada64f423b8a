package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"stella/web/webtest"
)

// A browser is a person's browser. It records what the person sees.
type browser struct {
	*webtest.Browser
	rand     *rand.Rand
	recorder *recorder

	kind       string        // of the page
	notice     string        // set by the last redirect after a form, for the next page
	retryAfter time.Duration // of the last answer
}

// pageTimeout is how long people wait for a page.
const pageTimeout = 20 * time.Second

func newBrowser(site, address string, r *rand.Rand, l *recorder) *browser {
	b := &browser{Browser: webtest.New(site, newObserver(l, "pages")), rand: r, recorder: l}
	b.Address, b.Timeout = address, pageTimeout
	return b
}

// errPageFailed is returned if a page did not load or is an error page.
var errPageFailed = errors.New("the page failed")

// fail records a failed page and returns errPageFailed with the reason.
func (b *browser) fail(how string) error {
	b.recorder.pageFailed(how)
	return fmt.Errorf("%w: %s", errPageFailed, how)
}

// leave closes the page, so that the next one is opened from outside.
func (b *browser) leave() { b.Page, b.kind = webtest.Page{}, "" }

// open opens a path or a URL.
func (b *browser) open(ctx context.Context, path string) error {
	_, err := b.send(ctx, http.MethodGet, path, nil)
	return err
}

// send sends a request and shows the page, like follow.
func (b *browser) send(ctx context.Context, method, path string, form url.Values) (first string, err error) {
	r, err := b.Request(ctx, method, path, form)
	if err != nil {
		return "", err
	}
	return b.follow(r)
}

// follow makes a request, follows redirects and shows the last page. It returns the
// Location of the first redirect, which depends on the result of a form.
func (b *browser) follow(r *http.Request) (first string, err error) {
	b.retryAfter = 0
	page, err := b.Load(r)
	if len(page.Redirects) > 0 {
		first, b.notice = page.Redirects[0].Header.Get("Location"), noticeOf(page.Redirects[0])
	}
	switch {
	case err == nil:
		return first, b.show(page)
	case r.Context().Err() != nil: // the run ends
		return first, r.Context().Err()
	}
	return first, b.fail(failureReason(err))
}

func (b *browser) show(p webtest.Page) error {
	seconds, _ := strconv.Atoi(p.Header.Get("Retry-After"))
	b.retryAfter = time.Duration(seconds) * time.Second
	b.recorder.recordRetryAfter(p.URL.Path, p.Status, b.retryAfter)
	if p.Status >= 500 {
		return b.errorPage(p.Status, p.Body)
	}
	b.Page, b.kind = p, kindOf(p)
	if p.URL.Host == hostOf(b.Site) {
		b.recordState()
	}
	return nil
}

// recordRetryAfter counts an answer of status 429 or 503. It is a violation if the
// answer lacks a Retry-After.
func (r *recorder) recordRetryAfter(path string, status int, retryAfter time.Duration) {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		r.count(fmt.Sprintf("answers of status %d", status))
		if retryAfter <= 0 {
			r.violation("%s was answered %d without Retry-After", path, status)
		}
	}
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
	if state, ok := stateShown(b.Page, b.kind); ok {
		if id, ok := b.shownStep(); ok {
			b.recorder.recordState(id, state)
		}
	}
}

// shownStep returns the qualification and version of the page's forms.
func (b *browser) shownStep() (stepID, bool) {
	id := b.Find(`input[name="id"]`).AttrOr("value", "")
	version, err := strconv.Atoi(b.Find(`input[name="version"]`).AttrOr("value", ""))
	return stepID{id, version}, err == nil && id != ""
}

// failureReason returns a short text about a failed request.
func failureReason(err error) string {
	var late interface{ Timeout() bool }
	switch {
	case errors.As(err, &late) && late.Timeout():
		return "timeout"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "incomplete page"
	case errors.Is(err, webtest.ErrRedirects):
		return "too many redirects"
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
