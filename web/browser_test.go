package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"stella/web/webtest"
)

// browser is a user's browser. An error fails the test.
type browser struct {
	*world
	*webtest.Browser
}

func (w *world) browser() *browser {
	w.Helper()
	b := webtest.New(w.url, observer{w})
	b.Address = w.from
	return &browser{w, b}
}

// window returns another window of the browser, with the same page.
func (b *browser) window() *browser { return &browser{b.world, b.Window()} }

// observer sends requests. It checks the headers of the server's responses, and
// remembers the secrets in their cookies.
type observer struct{ *world }

// direct has many connections to the server.
var direct = &http.Transport{MaxIdleConnsPerHost: 4}

func (o observer) RoundTrip(r *http.Request) (*http.Response, error) {
	o.Helper()
	response, err := direct.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	for _, c := range response.Cookies() {
		if c.Value != "" {
			o.secrets = append(o.secrets, c.Value)
		}
	}
	if strings.HasPrefix(r.URL.String(), o.url) {
		o.checkHeaders(response)
	}
	return response, nil
}

// send sends a request and returns the response and its body. The page stays.
func (b *browser) send(r *http.Request) (*http.Response, string) {
	b.Helper()
	response, body, err := b.Send(r)
	b.must(err)
	return response, body
}

// load sends a request, follows redirects and shows the page.
func (b *browser) load(r *http.Request) *browser {
	b.Helper()
	page, err := b.Load(r)
	if err != nil {
		b.Fatal(err, page.Trail())
	}
	b.Page = page
	return b
}

// request returns a request, with the headers of the current page.
func (b *browser) request(method, address string, form url.Values) *http.Request {
	b.Helper()
	r, err := b.Request(b.Context(), method, address, form)
	b.must(err)
	return r
}

// get opens a URL.
func (b *browser) get(address string) *browser {
	b.Helper()
	return b.load(b.request(http.MethodGet, address, nil))
}

// post sends a form, which need not be on the current page.
func (b *browser) post(f webtest.Form) *browser {
	b.Helper()
	return b.load(b.request(http.MethodPost, f.Action, f.Values))
}

// link returns the URL of the link with a text.
func (b *browser) link(name string) string {
	b.Helper()
	to, err := b.Link(name)
	b.must(err)
	return to
}

// click follows the link with a text.
func (b *browser) click(name string) *browser {
	b.Helper()
	return b.get(b.link(name))
}

// form returns the form of the button with a text. typed are the names and values
// of inputs.
func (b *browser) form(button string, typed ...string) webtest.Form {
	b.Helper()
	f, err := b.Form(button, typed...)
	b.must(err)
	return f
}

// press fills in and sends the form of the button with a text.
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
	webtest.SendFrom(r, "https://webmail.example")
	return b.load(r)
}

// at checks the heading of the page, and that it contains the sentences.
func (b *browser) at(heading string, sentences ...string) *browser {
	b.Helper()
	return b.answered(http.StatusOK, heading, sentences...)
}

// answered is at with a status.
func (b *browser) answered(status int, heading string, sentences ...string) *browser {
	b.Helper()
	if got := b.Heading(); b.Status != status || got != heading {
		b.Fatalf("the response is %d %q, want %d %q: %s (%v)", b.Status, got, status, heading, b.Content(), b.Trail())
	}
	title := strings.TrimPrefix(strings.TrimPrefix(webtest.Text(b.Find("title")), "Errore: "), "Error: ")
	if !strings.HasPrefix(title, heading+" – ") && b.URL.Hostname() == "127.0.0.1" {
		b.Errorf("the title is %q", webtest.Text(b.Find("title")))
	}
	for _, s := range sentences {
		if !strings.Contains(b.Content(), s) {
			b.Errorf("the page lacks %q: %s", s, b.Content())
		}
	}
	return b
}

// showsNotice checks the notice above the page. "" checks that there is none.
func (b *browser) showsNotice(notice string) *browser {
	b.Helper()
	if got := webtest.Text(b.Find(".notice")); got != notice {
		b.Errorf("the notice is %q, want %q", got, notice)
	}
	return b
}

// hasError checks that the page shows an error of an input, in the summary at the
// top and at the input.
func (b *browser) hasError(field, sentence string) *browser {
	b.Helper()
	if b.Status != http.StatusUnprocessableEntity {
		b.Fatalf("the status is %d, want 422: %s (%v)", b.Status, b.Content(), b.Trail())
	}
	if title := webtest.Text(b.Find("title")); !strings.HasPrefix(title, "Errore: ") {
		b.Errorf("the title is %q", title)
	}
	summary := b.Find(`.summary[role="alert"]`)
	if got := webtest.Text(summary.Find("h2")); got != "C'è un problema" {
		b.Errorf("the summary of errors has the heading %q", got)
	}
	var messages []string
	summary.Find(`a[href="#` + field + `"]`).Each(func(_ int, s *goquery.Selection) { messages = append(messages, webtest.Text(s)) })
	if !slices.Contains(messages, sentence) {
		b.Errorf("the summary lacks the error %q of %s: %s", sentence, field, webtest.Text(summary))
	}
	if b.Find("#"+field).Length() != 1 {
		b.Errorf("the summary refers to the unknown ID %s", field)
	}
	if got := webtest.Text(b.Find("#" + field + "-fault")); got != "Errore: "+sentence {
		b.Errorf("the error at the input is %q", got)
	}
	return b
}

// hasValue checks the value of an input.
func (b *browser) hasValue(field, value string) *browser {
	b.Helper()
	input := b.Find(`input[name="` + field + `"]`)
	got := input.AttrOr("value", "")
	if input.AttrOr("type", "") == "radio" {
		got = b.Find(`input[name="`+field+`"][checked]`).AttrOr("value", "")
	}
	if got != value {
		b.Errorf("%s has the value %q, want %q", field, got, value)
	}
	return b
}
