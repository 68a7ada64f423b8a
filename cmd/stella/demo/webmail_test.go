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

// stella answers the two calls of the API, and begins a session like the
// real one.
type stella struct {
	*httptest.Server
	state   client.State
	show    client.Show
	refuse  int
	asked   client.HandOff
	started string // method and form of what reached start_url
}

func newStella(t *testing.T) *stella {
	s := &stella{state: "none", show: "banner"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/mailboxes/{address}", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(client.Mailbox{Address: r.PathValue("address"), State: s.state, Show: s.show})
	})
	mux.HandleFunc("POST /api/v1/handoffs", func(w http.ResponseWriter, r *http.Request) {
		if s.refuse != 0 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(s.refuse)
			io.WriteString(w, `{"title":"Nope","detail":"no such luck"}`)
			return
		}
		json.NewDecoder(r.Body).Decode(&s.asked)
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

// A visitor is a browser at the webmail.
type visitor struct {
	t     *testing.T
	url   string
	inbox *Inbox
	http.Client
}

func visit(t *testing.T, s *stella, token string) *visitor {
	inbox, address := startInbox(t)
	w := &Webmail{Stella: s.URL, Token: token, InboxURL: address, Inbox: inbox,
		Approve: `bin/stella qualification approve --reason "visura camerale"`}
	server := httptest.NewServer(w.Handler())
	t.Cleanup(server.Close)
	w.URL = server.URL + "/"
	jar, _ := cookiejar.New(nil)
	return &visitor{t, server.URL, inbox, http.Client{Jar: jar}}
}

// page reads an answer, and its status.
func (v *visitor) page(res *http.Response, err error) (*goquery.Document, int) {
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

func (v *visitor) enter(mailbox string) *goquery.Document {
	v.t.Helper()
	doc, status := v.page(v.PostForm(v.url+"/entra", url.Values{"mailbox": {mailbox}}))
	if status != http.StatusOK {
		v.t.Fatalf("entering %s: %d", mailbox, status)
	}
	return doc
}

func TestMailboxesToChooseFrom(t *testing.T) {
	v := visit(t, newStella(t), "demo")
	doc, _ := v.page(v.Get(v.url))
	for _, s := range samples() {
		if len(s.Tries) == 0 {
			t.Errorf("%s: nothing says what to try", s.Address)
		}
		if doc.Find("button:contains('Entra in "+s.Address+"')").Length() != 1 {
			t.Errorf("no button enters %s", s.Address)
		}
		for _, typed := range []string{s.Company, s.Email} {
			if !strings.Contains(doc.Text(), typed) {
				t.Errorf("%s: %q is not there to copy", s.Address, typed)
			}
		}
	}
	if len(samples()) != len(tries) {
		t.Errorf("%d mailboxes, %d with something to try", len(samples()), len(tries))
	}
	if _, status := v.page(v.PostForm(v.url+"/entra", url.Values{"mailbox": {"chi@altrove.example"}})); status != http.StatusNotFound {
		t.Errorf("a mailbox that is none: %d", status)
	}
}

func TestBannerStarOrNeither(t *testing.T) {
	const banner = "Adegua la tua PEC agli standard europei: conferma la tua identità."
	s := newStella(t)
	v := visit(t, s, "demo")
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
			t.Errorf("the star is called %q", star.Find("title").Text())
		}
		if !strings.Contains(doc.Text(), test.words) {
			t.Errorf("%s: the page does not say %q", test.state, test.words)
		}
		if !strings.Contains(doc.Find("pre").Text(), `"state": "`+string(test.state)+`"`) {
			t.Errorf("%s: the state is not shown", test.state)
		}
	}
}

func TestAMailboxShowsWhatStellaWroteToIt(t *testing.T) {
	v := visit(t, newStella(t), "demo")
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
		t.Errorf("it is read with status %d: %s", status, read.Text())
	}
}

func TestACaseUnderReviewShowsTheCommandThatApprovesIt(t *testing.T) {
	v := visit(t, newStella(t), "demo")
	want := `bin/stella qualification approve --reason "visura camerale" nuova.cooperativa@pec.example`
	if got := v.enter("nuova.cooperativa@pec.example").Find("pre").First().Text(); got != want {
		t.Errorf("the command is %q, want %q", got, want)
	}
	if got := v.enter("anna.neri@pec.example").Find("pre").Text(); strings.Contains(got, "approve") {
		t.Errorf("a mailbox that needs no operator shows %q", got)
	}
}

func TestClickCarriesOver(t *testing.T) {
	s := newStella(t)
	v := visit(t, s, "demo")
	form := v.enter("officine.bianchi@pec.example").Find("form[action='/conferma']")
	if form.Find("input").Length() != 0 {
		t.Error("the form holds more than its button")
	}
	if _, status := v.page(v.PostForm(v.url+"/conferma", nil)); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	if s.started != "POST " {
		t.Errorf("Stella was reached by %q, want an empty POST", s.started)
	}
	want := client.HandOff{Mailbox: "officine.bianchi@pec.example", ReturnURL: v.url + "/", Locale: "it", User: "utente-2"}
	if s.asked != want {
		t.Errorf("asked for %+v, want %+v", s.asked, want)
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
		t.Errorf("the policy does not let the click pass: %s", policy)
	}
}

func TestStellaRefuses(t *testing.T) {
	s := newStella(t)
	v := visit(t, s, "demo")
	v.enter("anna.neri@pec.example")
	for _, test := range []struct {
		refuse, status int
		words          string
	}{
		{http.StatusConflict, http.StatusConflict, "Questa casella non può essere qualificata"},
		{http.StatusNotFound, http.StatusNotFound, "non conosce questa casella"},
		{http.StatusServiceUnavailable, http.StatusBadGateway, "no such luck"},
	} {
		s.refuse = test.refuse
		doc, status := v.page(v.PostForm(v.url+"/conferma", nil))
		if status != test.status || !strings.Contains(doc.Find("[role=alert]").Text(), test.words) {
			t.Errorf("Stella %d: answered %d %q", test.refuse, status, doc.Find("[role=alert]").Text())
		}
	}

	stranger := visit(t, s, "wrong")
	stranger.PostForm(stranger.url+"/entra", url.Values{"mailbox": {"anna.neri@pec.example"}})
	doc, status := stranger.page(stranger.Get(stranger.url))
	if status != http.StatusBadGateway || !strings.Contains(doc.Find("[role=alert]").Text(), "401") {
		t.Errorf("a wrong token: answered %d %q", status, doc.Find("[role=alert]").Text())
	}

	s.Close()
	doc, status = v.page(v.Get(v.url))
	if status != http.StatusBadGateway || !strings.Contains(doc.Text(), "non risponde") {
		t.Errorf("Stella away: answered %d %q", status, doc.Find("[role=alert]").Text())
	}
}

func TestForeignFormsAreRefused(t *testing.T) {
	s := newStella(t)
	v := visit(t, s, "demo")
	v.enter("anna.neri@pec.example")
	req, _ := http.NewRequest("POST", v.url+"/conferma", nil)
	req.Header.Set("Origin", "https://elsewhere.example")
	if _, status := v.page(v.Do(req)); status != http.StatusForbidden {
		t.Errorf("status %d, want 403", status)
	}
}

func TestLeave(t *testing.T) {
	v := visit(t, newStella(t), "demo")
	v.enter("anna.neri@pec.example")
	doc, _ := v.page(v.PostForm(v.url+"/esci", nil))
	if doc.Find("h1").Text() != "Caselle di prova" {
		t.Errorf("after leaving: %q", doc.Find("h1").Text())
	}
}

// Stella's last page says "Vedrai la stella" beside a drawing: the webmail shows the same drawing.
func TestTheStarIsTheOneOfStellasPages(t *testing.T) {
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
		t.Error("the webmail draws another star than templates/static/star.svg")
	}
}
