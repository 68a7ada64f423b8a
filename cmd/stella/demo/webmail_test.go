package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"stella/client"
)

// fakeStella answers the two calls of the API, and the start URL.
type fakeStella struct {
	*httptest.Server
	state    client.State
	show     client.Show
	failWith int
	handOff  client.HandOff
	started  string // method and body of the request to the start URL
}

func newFakeStella(t *testing.T) *fakeStella {
	s := &fakeStella{state: "none", show: "banner"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/mailboxes/{address}", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(client.Mailbox{Address: r.PathValue("address"), State: s.state, Show: s.show})
	})
	mux.HandleFunc("POST /api/v1/handoffs", func(w http.ResponseWriter, r *http.Request) {
		if s.failWith != 0 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(s.failWith)
			io.WriteString(w, `{"title":"Nope","detail":"no such luck"}`)
			return
		}
		json.NewDecoder(r.Body).Decode(&s.handOff)
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(map[string]any{"start_url": s.URL + "/start/once", "expires_in": 60})
	})
	mux.HandleFunc("/start/once", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.started = r.Method + " " + string(body)
	})
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") && r.Header.Get("Authorization") != "Bearer demo" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// A browser is a user's browser in the webmail.
type browser struct {
	t     *testing.T
	url   string
	inbox *Inbox
	http.Client
}

func openWebmail(t *testing.T, s *fakeStella, token string) *browser {
	inbox, address := startInbox(t)
	w := &Webmail{Stella: s.URL, Token: token, InboxURL: address, Inbox: inbox,
		Approve: `bin/stella qualification approve --reason "visura camerale"`}
	server := httptest.NewServer(w.Handler())
	t.Cleanup(server.Close)
	w.URL = server.URL + "/"
	jar, _ := cookiejar.New(nil)
	return &browser{t, server.URL, inbox, http.Client{Jar: jar}}
}

// page parses an answer. It returns the page and the status.
func (v *browser) page(res *http.Response, err error) (*goquery.Document, int) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	doc, err := goquery.NewDocumentFromReader(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return doc, res.StatusCode
}

func (v *browser) enter(mailbox string) *goquery.Document {
	v.t.Helper()
	doc, status := v.page(v.PostForm(v.url+"/entra", url.Values{"mailbox": {mailbox}}))
	if status != http.StatusOK {
		v.t.Fatalf("entering %s: %d", mailbox, status)
	}
	return doc
}

func TestMailboxList(t *testing.T) {
	v := openWebmail(t, newFakeStella(t), "demo")
	doc, _ := v.page(v.Get(v.url))
	for _, s := range samples() {
		if len(s.Tries) == 0 {
			t.Errorf("%s has no instructions", s.Address)
		}
		if doc.Find("button:contains('Entra in "+s.Address+"')").Length() != 1 {
			t.Errorf("there is no button for %s", s.Address)
		}
		for _, typed := range []string{s.Company, s.Email} {
			if !strings.Contains(doc.Text(), typed) {
				t.Errorf("%s: %q is not shown", s.Address, typed)
			}
		}
	}
	if len(samples()) != len(tries) {
		t.Errorf("%d mailboxes, %d with instructions", len(samples()), len(tries))
	}
	if _, status := v.page(v.PostForm(v.url+"/entra", url.Values{"mailbox": {"chi@altrove.example"}})); status != http.StatusNotFound {
		t.Errorf("an unknown mailbox: %d", status)
	}
}

func TestBannerStarOrNeither(t *testing.T) {
	const banner = "Adegua la tua PEC agli standard europei: conferma la tua identità."
	s := newFakeStella(t)
	v := openWebmail(t, s, "demo")
	for _, test := range []struct {
		state        client.State
		show         client.Show
		banner, star int
		words        string
	}{
		{"none", "banner", 1, 0, ""},
		{"in_progress", "banner", 1, 0, "riprende da dove era rimasta"},
		{"under_review", "none", 0, 0, "in verifica"},
		{"rejected", "banner", 1, 0, "si può riprovare"},
		{"qualified", "star", 0, 1, ""},
		{"revoked", "banner", 1, 0, "revocata"},
		{"not_eligible", "none", 0, 0, "non può essere qualificata"},
	} {
		s.state, s.show = test.state, test.show
		doc := v.enter("anna.neri@pec.example")
		if n := doc.Find("p:contains('" + banner + "')").Length(); n != test.banner {
			t.Errorf("%s: %d banners", test.state, n)
		}
		if n := doc.Find("button:contains('Conferma identità')").Length(); n != test.banner {
			t.Errorf("%s: %d buttons", test.state, n)
		}
		star := doc.Find("svg[role=img]")
		if star.Length() != test.star {
			t.Errorf("%s: %d stars", test.state, star.Length())
		}
		if test.star == 1 && star.Find("title").Text() != "Casella qualificata e identificata" {
			t.Errorf("the star's title is %q", star.Find("title").Text())
		}
		if !strings.Contains(doc.Text(), test.words) {
			t.Errorf("%s: the page does not contain %q", test.state, test.words)
		}
		if !strings.Contains(doc.Find("pre").Text(), `"state": "`+string(test.state)+`"`) {
			t.Errorf("%s: the state is not shown", test.state)
		}
	}
}

func TestMailboxShowsReceivedMail(t *testing.T) {
	v := openWebmail(t, newFakeStella(t), "demo")
	for to, subject := range map[string]string{"Anna.Neri@pec.example": "Identificazione avvenuta", "sara.verdi@pec.example": "Per Sara"} {
		if err := send(t, v.inbox, to, subject, "testo", ""); err != nil {
			t.Fatal(err)
		}
	}
	first := v.enter("anna.neri@pec.example").Find(".letters li").First()
	if first.Find("a").Text() != "Identificazione avvenuta" {
		t.Errorf("the newest mail of the mailbox is %q", first.Text())
	}
	read, status := v.page(v.Get(first.Find("a").AttrOr("href", "")))
	if status != http.StatusOK || !strings.Contains(read.Find(".mail").Text(), "testo") {
		t.Errorf("the mail's page has status %d: %s", status, read.Text())
	}
}

func TestReviewShowsTheApproveCommand(t *testing.T) {
	v := openWebmail(t, newFakeStella(t), "demo")
	want := `bin/stella qualification approve --reason "visura camerale" nuova.cooperativa@pec.example`
	if got := v.enter("nuova.cooperativa@pec.example").Find("pre").First().Text(); got != want {
		t.Errorf("the command is %q, want %q", got, want)
	}
	if got := v.enter("anna.neri@pec.example").Find("pre").Text(); strings.Contains(got, "approve") {
		t.Errorf("a mailbox that needs no operator shows %q", got)
	}
}

func TestConfirmKeepsThePOST(t *testing.T) {
	s := newFakeStella(t)
	v := openWebmail(t, s, "demo")
	form := v.enter("officine.bianchi@pec.example").Find("form[action='/conferma']")
	if form.Find("input").Length() != 0 {
		t.Error("the form has fields")
	}
	if _, status := v.page(v.PostForm(v.url+"/conferma", nil)); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	if s.started != "POST " {
		t.Errorf("the start URL got %q, want an empty POST", s.started)
	}
	want := client.HandOff{Mailbox: "officine.bianchi@pec.example", ReturnURL: v.url + "/", Locale: "it", User: "utente-2"}
	if s.handOff != want {
		t.Errorf("the hand-off is %+v, want %+v", s.handOff, want)
	}

	v.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := v.PostForm(v.url+"/conferma", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("status %d, want 307", res.StatusCode)
	}
	if policy := res.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' "+s.URL+";") {
		t.Errorf("the policy does not allow the redirect: %s", policy)
	}
}

func TestErrorsOfStella(t *testing.T) {
	s := newFakeStella(t)
	v := openWebmail(t, s, "demo")
	v.enter("anna.neri@pec.example")
	for _, test := range []struct {
		refuse, status int
		words          string
	}{
		{http.StatusConflict, http.StatusConflict, "Questa casella non può essere qualificata"},
		{http.StatusNotFound, http.StatusNotFound, "non conosce questa casella"},
		{http.StatusServiceUnavailable, http.StatusBadGateway, "no such luck"},
	} {
		s.failWith = test.refuse
		doc, status := v.page(v.PostForm(v.url+"/conferma", nil))
		if status != test.status || !strings.Contains(doc.Find("[role=alert]").Text(), test.words) {
			t.Errorf("Stella answers %d: status %d, %q", test.refuse, status, doc.Find("[role=alert]").Text())
		}
	}

	other := openWebmail(t, s, "wrong")
	other.PostForm(other.url+"/entra", url.Values{"mailbox": {"anna.neri@pec.example"}})
	doc, status := other.page(other.Get(other.url))
	if status != http.StatusBadGateway || !strings.Contains(doc.Find("[role=alert]").Text(), "401") {
		t.Errorf("a wrong token: status %d, %q", status, doc.Find("[role=alert]").Text())
	}

	s.Close()
	doc, status = v.page(v.Get(v.url))
	if status != http.StatusBadGateway || !strings.Contains(doc.Text(), "non risponde") {
		t.Errorf("Stella is not reachable: status %d, %q", status, doc.Find("[role=alert]").Text())
	}
}

func TestCrossOriginFormsAreRefused(t *testing.T) {
	s := newFakeStella(t)
	v := openWebmail(t, s, "demo")
	v.enter("anna.neri@pec.example")
	req, _ := http.NewRequest("POST", v.url+"/conferma", nil)
	req.Header.Set("Origin", "https://other.example")
	if _, status := v.page(v.Do(req)); status != http.StatusForbidden {
		t.Errorf("status %d, want 403", status)
	}
}

func TestLeave(t *testing.T) {
	v := openWebmail(t, newFakeStella(t), "demo")
	v.enter("anna.neri@pec.example")
	doc, _ := v.page(v.PostForm(v.url+"/esci", nil))
	if doc.Find("h1").Text() != "Caselle di prova" {
		t.Errorf("the page after leaving is %q", doc.Find("h1").Text())
	}
}

// The webmail shows the same drawing of the star as Stella's last page.
func TestStarDrawing(t *testing.T) {
	t.Parallel()
	drawing, err := os.ReadFile("../../../templates/static/star.svg")
	if err != nil {
		t.Fatal(err)
	}
	page, err := files.ReadFile("webmail.html")
	if err != nil {
		t.Fatal(err)
	}
	_, shapes, _ := strings.Cut(string(drawing), "\n") // after the opening tag, which has the size
	if !strings.Contains(string(page), shapes) {
		t.Error("the webmail's star differs from templates/static/star.svg")
	}
}
