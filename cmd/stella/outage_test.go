package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"stella/cmd/stella/config"
	"stella/cmd/stella/demo"
	"stella/cmd/stella/programtest"
	"stella/store"
	"stella/store/localpg"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// testPostgres is a PostgreSQL that a test can stop and start.
type testPostgres struct {
	t   *testing.T
	dir string
	*localpg.Cluster
}

func startPostgres(t *testing.T) *testPostgres {
	t.Helper()
	p := &testPostgres{t: t, dir: dataDir(t)}
	p.start()
	t.Cleanup(func() { p.Stop() })
	_, err := config.PreparePrivate(t.Context(), p.Cluster)
	storetest.Must(t, err)
	return p
}

// url returns the URL of the database for the service.
func (p *testPostgres) url() string { return p.RoleURL(config.ServiceRole, "stella") }

func (p *testPostgres) start() {
	p.t.Helper()
	var err error
	p.Cluster, err = localpg.Start(p.t.Context(), localpg.Options{Dir: p.dir, Settings: map[string]string{"fsync": "off"}})
	storetest.Must(p.t, err)
}

// worldOf returns a world on a database, in real time and with the key of goodConfig, so
// that a service can continue its journeys.
func worldOf(t *testing.T, url string) *storetest.World {
	t.Helper()
	s, err := store.Open(t.Context(), url, storetest.Auditor.Recipient())
	storetest.Must(t, err)
	t.Cleanup(s.Close)
	w := storetest.WorldIn(t, s).InRealTime()
	w.Procedure.Keys, w.Provider.Keys = workflow.Keys{[]byte(programtest.SecretKey)}, workflow.Keys{[]byte(programtest.SecretKey)}
	return w
}

// withInbox configures an inbox as the relay. mails returns the number of mails that
// arrived for an address.
func withInbox(t *testing.T, c *config.Config) (mails func(to string) int) {
	t.Helper()
	inbox, err := demo.StartInbox()
	storetest.Must(t, err)
	t.Cleanup(func() { inbox.Close() })
	pages := httptest.NewServer(inbox.Handler())
	t.Cleanup(pages.Close)
	c.SMTPURL, c.SMTPPasswordFile, c.SMTPCAFile = "smtp://"+inbox.Addr(), "", programtest.File(t, "ca.pem", inbox.CA())
	return func(to string) int {
		answer, err := http.Get(pages.URL + "/messages.json?to=" + url.QueryEscape(to))
		storetest.Must(t, err)
		defer answer.Body.Close()
		var all []any
		storetest.Must(t, json.NewDecoder(answer.Body).Decode(&all))
		return len(all)
	}
}

// During an outage pages answer 503 and nothing is lost. After it the service continues
// without a restart.
func TestDatabaseOutage(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	w := worldOf(t, p.url())
	c := programtest.GoodConfig(t)
	c.URL = p.url()
	mails := withInbox(t, &c)
	s := startService(t, c)
	const page = "/start/unknown" // reads the database
	if code, body := s.get(page); code != 410 {
		t.Fatalf("%d %s", code, body)
	}
	w.Record(t, storetest.AnnasRecord).AdvanceTo(qualification.CodeEntry)
	storetest.Eventually(t, "the code arrives", func() bool { return mails("anna.neri@mail.example") == 1 })
	storetest.Eventually(t, "the mail is recorded as sent", func() bool { // otherwise the service would log an error
		var open int
		storetest.Must(t, w.Pool().QueryRow(t.Context(),
			`select (select count(*) from mails where accepted_at is null) +
				(select count(*) from river_job where finalized_at is null)`).Scan(&open))
		return open == 0
	})

	storetest.Must(t, p.Stop())
	for range 20 {
		code, body := s.get(page, "Accept-Language", "it")
		if code != 503 || !strings.Contains(body, "Quello che hai già salvato non è perso") {
			t.Errorf("%d %s", code, body)
		}
	}
	if code, body := s.get("/readyz"); code != 503 || !strings.Contains(body, "the database does not answer") {
		t.Errorf("%d %s", code, body)
	}
	s.waitForLog("the database cannot be reached")

	p.start()
	storetest.Eventually(t, "the page answers again", func() bool { code, _ := s.get(page); return code == 410 })
	w.Pool().Reset() // the connections are older than the outage
	w.Record(t, storetest.AnnasRecord).AdvanceTo(qualification.CodeEntry)
	storetest.Eventually(t, "a code arrives after the outage", func() bool { return mails("anna.neri@mail.example") == 2 })
	s.waitForLog("the database can be reached again")
	log := s.log()
	if n := strings.Count(log, `"level":"ERROR"`); n != 1 {
		t.Errorf("%d errors are logged, want 1:\n%s", n, log)
	}
	if n := strings.Count(log, `"level":"WARN"`); n > 40 {
		t.Errorf("%d warnings are logged for 20 requests:\n%s", n, log)
	}
	s.interrupt()
}

// Without a database, pages have the Retry-After header.
func TestRetryAfterWithoutDatabase(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	worldOf(t, p.url())
	c := programtest.GoodConfig(t)
	c.URL = p.url()
	s := startService(t, c)
	s.get("/healthz")
	storetest.Must(t, p.Stop())
	answer, err := http.Get("http://" + s.addr + "/start/x")
	if err != nil {
		t.Fatalf("%v: %s", err, s.log())
	}
	answer.Body.Close()
	if answer.StatusCode != 503 || answer.Header.Get("Retry-After") != "5" {
		t.Errorf("%s, Retry-After %q", answer.Status, answer.Header.Get("Retry-After"))
	}
	// The service also stops without a database.
	s.interrupt()
}

// If the database cannot be reached at the start, the service exits with an error. Its
// supervisor starts it again.
func TestServeWithoutDatabase(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	c.URL = "postgres://stella@127.0.0.1:1/stella"
	r := stella(t, programtest.Environ(c), "serve")
	if r.status != 1 || !strings.HasPrefix(r.err, "stella: reaching the database: ") {
		t.Errorf("%+v", r)
	}
}
