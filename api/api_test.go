package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stella/api"
	"stella/client"
	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
)

// world is a world with the API before it.
type world struct {
	*storetest.World
	t       *testing.T
	handler http.Handler
	log     *bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{World: storetest.NewWorld(t), t: t, log: &bytes.Buffer{}}
	w.handler = handler(w.Procedure, w.log)
	return w
}

func handler(p *workflow.Procedure, log io.Writer) http.Handler {
	s := &api.Server{Procedure: p, PublicURL: "https://id.example", Away: store.Away, Log: slog.New(slog.NewTextHandler(log, nil))}
	h := s.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told := &told{w, http.StatusOK}
		h.ServeHTTP(told, r)
		met.note(r.Pattern, told.status)
	})
}

// told remembers the status of an answer.
type told struct {
	http.ResponseWriter
	status int
}

func (a *told) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// answer is what the API says.
type answer struct {
	*httptest.ResponseRecorder
	t    *testing.T
	text string
}

// call asks the API; header holds names and values by turns.
func call(t *testing.T, h http.Handler, method, path, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://id.example"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a := answer{httptest.NewRecorder(), t, ""}
	h.ServeHTTP(a, r)
	a.text = a.Body.String()
	return a
}

// call asks the API as the webmail.
func (w *world) call(method, path, body string, header ...string) answer {
	w.t.Helper()
	return call(w.t, w.handler, method, path, body, append([]string{"Authorization", "Bearer " + storetest.Token}, header...)...)
}

func (w *world) mailbox(address string) client.Mailbox {
	w.t.Helper()
	a := w.call("GET", "/api/v1/mailboxes/"+address, "")
	if a.Code != http.StatusOK {
		w.t.Fatalf("%d %s", a.Code, a.text)
	}
	var m client.Mailbox
	if err := json.Unmarshal([]byte(a.text), &m); err != nil {
		w.t.Fatal(err)
	}
	return m
}

// problem checks that the answer is a problem document of a status, and
// returns its detail.
func (a answer) problem(status int) string {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("%d, want %d: %s", a.Code, status, a.text)
	}
	if got := a.Header().Get("Content-Type"); got != "application/problem+json" {
		a.t.Errorf("Content-Type: %q", got)
	}
	var p struct {
		Title, Detail string
		Status        int
	}
	if err := json.Unmarshal([]byte(a.text), &p); err != nil {
		a.t.Fatalf("%v in %s", err, a.text)
	}
	if p.Status != status || p.Title != http.StatusText(status) || p.Detail == "" {
		a.t.Errorf("the problem document is %s", a.text)
	}
	return p.Detail
}

const (
	handoffs = "/api/v1/handoffs"
	anna     = "anna.neri@pec.example"
)

func handOff(mailbox, returnURL string) string {
	return fmt.Sprintf(`{"mailbox":%q,"return_url":%q,"locale":"it","user":"user-7"}`, mailbox, returnURL)
}

func TestWithoutATokenNothingIsLearnt(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	for _, header := range [][]string{
		{},
		{"Authorization", ""},
		{"Authorization", "Bearer"},
		{"Authorization", "Bearer "},
		{"Authorization", "Basic dXNlcjpwYXNz"},
		{"Authorization", storetest.Token},
	} {
		for _, c := range []struct{ method, path, body string }{
			{"GET", "/api/v1/mailboxes/" + anna, ""},
			{"GET", "/api/v1/mailboxes/nobody@pec.example", ""},
			{"GET", "/api/v1/mailboxes/" + strings.Repeat("a", 300) + "@pec.example", ""},
			{"POST", handoffs, handOff(anna, storetest.ReturnURL)},
			{"POST", handoffs, ``},
			{"POST", handoffs, `{`},
			{"POST", handoffs, `{"unheard":"of"}`},
			{"POST", handoffs, handOff(strings.Repeat("a", 30000), "")},
		} {
			a := call(t, w.handler, c.method, c.path, c.body, header...)
			if got, want := a.problem(401), "a bearer token is needed"; got != want {
				t.Errorf("%v %s %s: %q", header, c.method, c.path, got)
			}
			if a.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("no WWW-Authenticate")
			}
		}
	}
}

func TestAnUnknownTokenIsTurnedAway(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	known := call(t, w.handler, "GET", "/api/v1/mailboxes/"+anna, "", "Authorization", "Bearer guess")
	known.problem(401)
	unknown := call(t, w.handler, "GET", "/api/v1/mailboxes/nobody@pec.example", "", "Authorization", "Bearer guess")
	if known.text != unknown.text {
		t.Errorf("a stranger can tell mailboxes apart: %s and %s", known.text, unknown.text)
	}
	a := call(t, w.handler, "POST", handoffs, handOff(anna, storetest.ReturnURL), "Authorization", "Bearer guess")
	a.problem(401)
	if a.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Error("no WWW-Authenticate")
	}
	// The scheme's name may be written as one likes, the token may not.
	if a := call(t, w.handler, "GET", "/api/v1/mailboxes/"+anna, "", "Authorization", "bearer "+storetest.Token); a.Code != 200 {
		t.Errorf("%d %s", a.Code, a.text)
	}
	call(t, w.handler, "GET", "/api/v1/mailboxes/"+anna, "", "Authorization", "Bearer "+strings.ToUpper(storetest.Token)).problem(401)
}

// Of a mailbox outside its domains a client learns as much as of none.
func TestAnotherClientsMailboxIsUnknown(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, "mario.rossi@altrove.example", storetest.AnnasRecord)
	other := workflow.Client{Name: "other", Domains: []string{"altrove.example"}, ReturnURLs: []string{"https://altrove.example/"}, Scopes: []workflow.Scope{workflow.ScopeWebmail}}
	storetest.Must(t, w.AddClient(t.Context(), other, workflow.Digest("other token"), w.Clock.Now()))
	if a := call(t, w.handler, "GET", "/api/v1/mailboxes/mario.rossi@altrove.example", "", "Authorization", "Bearer other token"); a.Code != 200 {
		t.Fatalf("its own client: %d %s", a.Code, a.text)
	}

	var said []string
	for _, address := range []string{"mario.rossi@altrove.example", "nobody@altrove.example", "nobody@pec.example", "nobody", "@", "a@b@pec.example", "pec.example"} {
		a := w.call("GET", "/api/v1/mailboxes/"+address, "")
		a.problem(404)
		said = append(said, a.text)
		a = w.call("POST", handoffs, handOff(address, storetest.ReturnURL))
		a.problem(404)
		said = append(said, a.text)
		// Neither does a wrong return URL tell.
		a = w.call("POST", handoffs, handOff(address, "https://elsewhere.example/"))
		a.problem(404)
		said = append(said, a.text)
	}
	for _, s := range said {
		if s != said[0] {
			t.Errorf("%s and %s differ", s, said[0])
		}
		if strings.Contains(s, "altrove") {
			t.Errorf("%s", s)
		}
	}
	// The other's return URL is not this one's, although it is known.
	w.RecordAs(t, anna, storetest.AnnasRecord)
	w.call("POST", handoffs, handOff(anna, "https://altrove.example/")).problem(422)
}

func TestUnknownPaths(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ method, path string }{
		{"GET", "/api/"}, {"GET", "/api/v1"}, {"GET", "/api/v1/"}, {"GET", "/api/v2/mailboxes/" + anna}, {"GET", "/api/v1"},
		{"GET", "/api/v1/mailboxes/"}, {"GET", "/api/v1/mailboxes/a/b"}, {"POST", "/api/v1/mailboxes/" + anna}, {"GET", handoffs},
		{"PUT", handoffs}, {"GET", "/api/v1/docs"}, {"GET", "/docs"}, {"GET", "/schemas/Mailbox.json"}, {"GET", "/api/v1/schemas/Mailbox.json"},
	} {
		w.call(c.method, c.path, "").problem(404)
	}
}

// One row for each state, and for each standing of the mailbox.
func TestWhatAWebmailIsToShow(t *testing.T) {
	w := newWorld(t)
	type seen struct {
		state client.State
		show  client.Show
		level string
	}
	table := map[workflow.State]seen{
		"":                        {"none", "banner", ""},
		workflow.HolderChoice:     {"in_progress", "banner", ""},
		workflow.Introduction:     {"in_progress", "banner", ""},
		workflow.HolderInvitation: {"in_progress", "banner", ""},
		workflow.Invited:          {"invited", "banner", ""},
		workflow.HolderKind:       {"in_progress", "banner", ""},
		workflow.CompanyData:      {"in_progress", "banner", ""},
		workflow.ContactData:      {"in_progress", "banner", ""},
		workflow.Summary:          {"in_progress", "banner", ""},
		workflow.Identification:   {"in_progress", "banner", ""},
		workflow.AtProvider:       {"in_progress", "banner", ""},
		workflow.Identified:       {"in_progress", "banner", ""},
		workflow.Contract:         {"in_progress", "banner", ""},
		workflow.CodeEntry:        {"in_progress", "banner", ""},
		workflow.UnderReview:      {"under_review", "none", ""},
		workflow.Rejected:         {"rejected", "banner", ""},
		workflow.Qualified:        {"qualified", "star", "SpidL2"},
		workflow.Revoked:          {"revoked", "banner", ""},
		workflow.Expired:          {"none", "banner", ""},
	}
	for _, s := range append([]workflow.State{""}, workflow.States...) {
		want, ok := table[s]
		if !ok {
			t.Errorf("the test does not know the state %s", s)
			continue
		}
		var j *storetest.Journey
		if s == "" {
			j = w.Record(t, storetest.AnnasRecord)
		} else {
			j = w.Reach(t, s)
		}
		m := w.mailbox(j.Address)
		if got := (seen{m.State, m.Show, m.Level}); got != want || m.Address != j.Address {
			t.Errorf("%s: %+v, want %+v", s, m, want)
		}
		if m.State == "none" != (m.Since == nil) || m.Since != nil && !m.Since.Equal(j.Case().Qualification.SteppedAt) {
			t.Errorf("%s: since %v", s, m.Since)
		}
		if s == workflow.Expired {
			w.Clock.Advance(-workflow.UnfinishedLife - time.Hour)
		}

		// Whatever it was, only an active mailbox shows it.
		if s != "" && s != workflow.HolderChoice && s != workflow.Qualified {
			continue
		}
		for _, status := range []workflow.Status{workflow.MailboxExpired, workflow.Cancelled, workflow.MailboxRevoked, workflow.Active} {
			_, err := w.Procedure.Record(t.Context(), "tests", j.Address, status, j.Case().Mailbox.Record)
			storetest.Must(t, err)
			m := w.mailbox(j.Address)
			got := seen{m.State, m.Show, m.Level}
			if status == workflow.Active && got != want {
				t.Errorf("%s, active again: %+v, want %+v", s, got, want)
			}
			if not := (seen{"not_eligible", "none", ""}); status != workflow.Active && (got != not || m.Since != nil) {
				t.Errorf("%s of a mailbox that is %s: %+v, want %+v", s, status, m, not)
			}
		}
	}
}

func TestAnInvitedHoldersProcedureIsInProgress(t *testing.T) {
	w := newWorld(t)
	j := w.Reach(t, workflow.Invited)
	var nonce []byte
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select nonce from invitations`).Scan(&nonce))
	_, err := w.Procedure.AcceptInvitation(t.Context(), workflow.InvitationSecret(storetest.Key, nonce), "it", j.Visitor.Address, "r")
	storetest.Must(t, err)
	if m := w.mailbox(j.Address); m.State != "in_progress" || m.Show != "banner" {
		t.Errorf("%+v", m)
	}
}

func TestAMailboxIsFoundHoweverItIsWritten(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	for _, address := range []string{anna, "Anna.Neri@PEC.example", "anna.neri%40pec.example", "%20anna.neri@pec.example"} {
		if m := w.mailbox(address); m.Address != anna {
			t.Errorf("%s is answered as %s", address, m.Address)
		}
	}
}

func TestAnAnswerIsAskedForAgainByItsTag(t *testing.T) {
	w := newWorld(t)
	j := w.RecordAs(t, anna, storetest.AnnasRecord)
	path := "/api/v1/mailboxes/" + anna
	first := w.call("GET", path, "")
	tag := first.Header().Get("ETag")
	if first.Code != 200 || !strings.HasPrefix(tag, `"`) || first.Header().Get("Cache-Control") != "private, no-cache" {
		t.Fatalf("%d %v", first.Code, first.Header())
	}
	if got := first.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type: %q", got)
	}
	if first.Header().Get("Link") != "" || strings.Contains(first.text, "$schema") {
		t.Errorf("the answer links to a schema: %v %s", first.Header(), first.text)
	}
	for _, known := range []string{tag, "W/" + tag, `"another", ` + tag, "*"} {
		again := w.call("GET", path, "", "If-None-Match", known)
		if again.Code != http.StatusNotModified || again.text != "" || again.Header().Get("ETag") != tag {
			t.Errorf("If-None-Match: %s: %d %v %q", known, again.Code, again.Header(), again.text)
		}
	}
	j.To(workflow.HolderChoice)
	changed := w.call("GET", path, "", "If-None-Match", tag)
	if changed.Code != 200 || changed.Header().Get("ETag") == tag {
		t.Errorf("after a step: %d %v", changed.Code, changed.Header())
	}
	// A tag tells nobody else anything.
	call(t, w.handler, "GET", path, "", "If-None-Match", tag, "Authorization", "Bearer guess").problem(401)
}

func TestAHandOffLetsItsUserInOnce(t *testing.T) {
	w := newWorld(t)
	j := w.RecordAs(t, anna, storetest.AnnasRecord)
	a := w.call("POST", handoffs, handOff("Anna.Neri@pec.example", storetest.ReturnURL))
	if a.Code != http.StatusCreated {
		t.Fatalf("%d %s", a.Code, a.text)
	}
	var out struct {
		StartURL  string `json:"start_url"`
		ExpiresIn int    `json:"expires_in"`
	}
	storetest.Must(t, json.Unmarshal([]byte(a.text), &out))
	secret, ok := strings.CutPrefix(out.StartURL, "https://id.example/start/")
	if !ok || len(secret) < 26 || out.ExpiresIn != 60 {
		t.Fatalf("%s", a.text)
	}
	v, err := w.Procedure.Start(t.Context(), secret, []byte("session"), j.Visitor.Address, "r")
	storetest.Must(t, err)
	if v.Mailbox != j.Mailbox || v.Client != storetest.Webmail || v.User != "user-7" || v.Locale != "it" || v.ReturnURL != storetest.ReturnURL {
		t.Errorf("the visitor is %+v", v)
	}
	if _, err := w.Procedure.Start(t.Context(), secret, []byte("another"), j.Visitor.Address, "r"); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("a second use: %v", err)
	}

	// Another is another, and lives for as long as it says.
	b := w.call("POST", handoffs, handOff(anna, storetest.ReturnURL))
	storetest.Must(t, json.Unmarshal([]byte(b.text), &out))
	if b.text == a.text {
		t.Error("two hand-offs share their link")
	}
	w.Clock.Advance(time.Duration(out.ExpiresIn) * time.Second)
	late, _ := strings.CutPrefix(out.StartURL, "https://id.example/start/")
	if _, err := w.Procedure.Start(t.Context(), late, []byte("session"), j.Visitor.Address, "r"); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("after %d seconds: %v", out.ExpiresIn, err)
	}
}

func TestAMailboxThatIsNotActiveIsNotHandedOver(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	for _, status := range []workflow.Status{workflow.MailboxExpired, workflow.Cancelled, workflow.MailboxRevoked} {
		_, err := w.Procedure.Record(t.Context(), "tests", anna, status, storetest.AnnasRecord)
		storetest.Must(t, err)
		w.call("POST", handoffs, handOff(anna, storetest.ReturnURL)).problem(409)
	}
}

func TestAWrongHandOffIsRefused(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	for name, c := range map[string]struct {
		body   string
		status int
		tells  string
	}{
		"another return URL":        {handOff(anna, "https://elsewhere.example/"), 422, "return_url"},
		"a longer return URL":       {handOff(anna, storetest.ReturnURL+"inbox"), 422, "return_url"},
		"a shorter return URL":      {handOff(anna, strings.TrimSuffix(storetest.ReturnURL, "/")), 422, "return_url"},
		"no return URL":             {`{"mailbox":"` + anna + `"}`, 422, "return_url"},
		"no mailbox":                {`{"return_url":"` + storetest.ReturnURL + `"}`, 422, "mailbox"},
		"nothing":                   {`{}`, 422, "mailbox"},
		"an unknown field":          {strings.Replace(handOff(anna, storetest.ReturnURL), `{`, `{"unheard":"of",`, 1), 422, "unheard"},
		"a number for a mailbox":    {`{"mailbox":7,"return_url":"` + storetest.ReturnURL + `"}`, 422, "mailbox"},
		"a control character":       {strings.Replace(handOff(anna, storetest.ReturnURL), "user-7", `u\u0000\u001b[31m`, 1), 422, "user"},
		"a locale that is none":     {`{"mailbox":"` + anna + `","return_url":"` + storetest.ReturnURL + `","locale":"it\u0000"}`, 422, "locale"},
		"a user's reference of 201": {strings.Replace(handOff(anna, storetest.ReturnURL), "user-7", strings.Repeat("u", 201), 1), 422, "user"},
		"a list":                    {`[]`, 422, "object"},
		"no JSON":                   {`{"mailbox"`, 400, ""},
		"no body":                   {``, 400, "body"},
	} {
		a := w.call("POST", handoffs, c.body)
		a.problem(c.status)
		if !strings.Contains(a.text, c.tells) {
			t.Errorf("%s: %s does not tell %q", name, a.text, c.tells)
		}
	}
	w.call("POST", handoffs, handOff(anna, strings.Repeat("a", 20<<10))).problem(413)
	w.call("POST", handoffs, handOff(anna, storetest.ReturnURL), "Content-Type", "application/x-www-form-urlencoded").problem(415)
	var n int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from handoffs`).Scan(&n))
	if n != 0 {
		t.Errorf("%d hand-offs were made", n)
	}
}

// What fails here is told to the log, and to nobody else.
func TestAFailureIsOurs(t *testing.T) {
	t.Parallel()
	log := &bytes.Buffer{}
	h := handler(&workflow.Procedure{Store: broken{}, Now: time.Now}, log)
	for _, a := range []answer{
		call(t, h, "GET", "/api/v1/mailboxes/"+anna, "", "Authorization", "Bearer x"),
		call(t, h, "POST", handoffs, handOff(anna, storetest.ReturnURL), "Authorization", "Bearer x"),
	} {
		a.problem(500)
		if strings.Contains(a.text, "secret cause") {
			t.Errorf("%s", a.text)
		}
	}
	if strings.Count(log.String(), "secret cause") != 2 {
		t.Errorf("the log says %s", log)
	}
}

type broken struct{ workflow.Store }

func (broken) ClientByToken(context.Context, []byte, time.Time) (workflow.Client, error) {
	return workflow.Client{}, errors.New("a secret cause")
}

func (broken) Standing(context.Context, []byte, string, time.Time) (workflow.Asked, error) {
	return workflow.Asked{}, errors.New("a secret cause")
}

// A database that is away is told as that, with the time to try again.
func TestTheDatabaseIsAway(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, "GET", "https://id.example/api/v1/mailboxes/"+anna, nil)
	r.Header.Set("Authorization", "Bearer "+storetest.Token)
	got := answer{ResponseRecorder: httptest.NewRecorder(), t: t}
	w.handler.ServeHTTP(got, r)
	if got.Code != 503 || got.Header().Get("Retry-After") != "5" || strings.Contains(w.log.String(), "level=ERROR") {
		t.Errorf("%d %v %s", got.Code, got.Header(), w.log)
	}
}

// What no database takes is no mailbox of anybody's.
func TestAnAddressThatIsNoneIsUnknown(t *testing.T) {
	w := newWorld(t)
	for _, address := range []string{"anna%00@pec.example", "%ff@pec.example", "x", "@", "a%20b@pec.example"} {
		w.call("GET", "/api/v1/mailboxes/"+address, "").problem(404)
	}
	w.call("POST", handoffs, `{"mailbox":"anna\u0000@pec.example","return_url":"`+storetest.ReturnURL+`"}`).problem(404)
}

// While a token is changed, both are good, for the status too.
func TestBothTokensAreGoodDuringARotation(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	storetest.Must(t, w.RotateToken(t.Context(), storetest.Webmail, workflow.Digest("new"), w.Clock.Now().Add(time.Hour)))
	ask := func(token string) (status, handedOver int) {
		header := []string{"Authorization", "Bearer " + token}
		return call(t, w.handler, "GET", "/api/v1/mailboxes/"+anna, "", header...).Code,
			call(t, w.handler, "POST", handoffs, handOff(anna, storetest.ReturnURL), header...).Code
	}
	for _, token := range []string{storetest.Token, "new"} {
		if status, handedOver := ask(token); status != 200 || handedOver != 201 {
			t.Errorf("%s: %d, %d", token, status, handedOver)
		}
	}
	w.Clock.Advance(time.Hour)
	if status, handedOver := ask(storetest.Token); status != 401 || handedOver != 401 {
		t.Errorf("the former one, an hour later: %d, %d", status, handedOver)
	}
	if status, _ := ask("new"); status != 200 {
		t.Errorf("the new one, an hour later: %d", status)
	}
}
