package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stella/cmd/stella/demo"
	"stella/store"
	"stella/store/localpg"
	"stella/store/storetest"
	"stella/workflow"
)

// ours is a PostgreSQL that a test stops and starts.
type ours struct {
	t   *testing.T
	dir string
	*localpg.Cluster
}

func startPostgres(t *testing.T) *ours {
	t.Helper()
	p := &ours{t: t, dir: dataDir(t)}
	p.start()
	t.Cleanup(func() { p.Stop() })
	_, err := preparePrivate(t.Context(), p.Cluster)
	storetest.Must(t, err)
	return p
}

// url is that of the database, for the service.
func (p *ours) url() string { return p.RoleURL(serviceRole, "stella") }

func (p *ours) start() {
	p.t.Helper()
	var err error
	p.Cluster, err = localpg.Start(p.t.Context(), localpg.Options{Dir: p.dir, Settings: map[string]string{"fsync": "off"}})
	storetest.Must(p.t, err)
}

// worldOf opens a database for a journey in real time, with the key of goodConfig,
// so that a service may go on with what it began.
func worldOf(t *testing.T, url string) *storetest.World {
	t.Helper()
	s, err := store.Open(t.Context(), url, storetest.Auditor.Recipient())
	storetest.Must(t, err)
	t.Cleanup(s.Close)
	w := storetest.WorldIn(t, s).InRealTime()
	w.Procedure.Keys = workflow.Keys{[]byte(secretKey)}
	return w
}

// withInbox lets the mails go to an inbox, and returns how many of them came to
// an address.
func withInbox(t *testing.T, c *config) (mails func(to string) int) {
	t.Helper()
	inbox, err := demo.StartInbox()
	storetest.Must(t, err)
	t.Cleanup(func() { inbox.Close() })
	pages := httptest.NewServer(inbox.Handler())
	t.Cleanup(pages.Close)
	c.SMTPURL, c.SMTPPasswordFile, c.SMTPCAFile = "smtp://"+inbox.Addr(), "", file(t, "ca.pem", inbox.CA())
	return func(to string) int {
		answer, err := http.Get(pages.URL + "/messages.json?to=" + url.QueryEscape(to))
		storetest.Must(t, err)
		defer answer.Body.Close()
		var all []any
		storetest.Must(t, json.NewDecoder(answer.Body).Decode(&all))
		return len(all)
	}
}

// An outage is logged when it begins and when it ends, however many look at it,
// and meanwhile nothing that the job queue complains of.
func TestAnOutageIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log, complaints storetest.Log
		var away atomic.Bool
		o := &outage{log: slog.New(slog.NewTextHandler(&log, nil)), ping: func(context.Context) error {
			if away.Load() {
				return errors.New("gone")
			}
			return nil
		}}
		jobs := slog.New(quiet{slog.NewTextHandler(&complaints, nil), o})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go o.follow(ctx)
		time.Sleep(time.Minute)
		away.Store(true)
		for range 100 {
			jobs.Warn("no job could be fetched")
			time.Sleep(100 * time.Millisecond)
		}
		if said := log.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "level=ERROR msg=\"the database is away") || complaints.String() != "" {
			t.Errorf("while it is away, the log says %q and the queue %q", said, complaints.String())
		}
		away.Store(false)
		time.Sleep(time.Minute)
		if said := log.String(); strings.Count(said, "\n") != 2 || !strings.Contains(said, `msg="the database is back" away=1`) {
			t.Errorf("afterwards the log says %q", said)
		}
		jobs.Warn("a job is stuck")
		if said := complaints.String(); !strings.Contains(said, "a job is stuck") {
			t.Errorf("afterwards the queue says %q", said)
		}
	})
}

// A database that does not answer is waited for no longer than it takes to know.
func TestASilentDatabaseIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &outage{log: slog.New(slog.DiscardHandler), ping: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		began := time.Now()
		o.look(t.Context())
		if took := time.Since(began); took != lookFor || !o.away.Load() {
			t.Errorf("after %v it is away: %v", took, o.away.Load())
		}
	})
}

// A database that goes away takes nothing along: pages say so, and when it is
// back all goes on, without a restart of the service.
func TestTheDatabaseGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	w := worldOf(t, p.url())
	c := goodConfig(t)
	c.URL = p.url()
	mails := withInbox(t, &c)
	s := serveProcess(t, c)
	const page = "/start/unheard" // which the database is asked for
	if code, body := s.get(page); code != 410 {
		t.Fatalf("%d %s", code, body)
	}
	w.Record(t, storetest.AnnasRecord).To(workflow.CodeEntry)
	storetest.Eventually(t, "the code arrives", func() bool { return mails("anna.neri@mail.example") == 1 })
	storetest.Eventually(t, "the mail is recorded as sent", func() bool { // otherwise the service logs that it could not record it
		var open int
		storetest.Must(t, w.Pool().QueryRow(t.Context(), `select (select count(*) from mails where accepted_at is null) + (select count(*) from river_job where finalized_at is null)`).Scan(&open))
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
	s.logs("the database is away")

	p.start()
	storetest.Eventually(t, "the page is there again", func() bool { code, _ := s.get(page); return code == 410 })
	w.Pool().Reset() // its connections were made before the outage
	w.Record(t, storetest.AnnasRecord).To(workflow.CodeEntry)
	storetest.Eventually(t, "a code arrives afterwards", func() bool { return mails("anna.neri@mail.example") == 2 })
	s.logs("the database is back")
	log := s.log()
	if n := strings.Count(log, `"level":"ERROR"`); n != 1 {
		t.Errorf("%d errors were told, want one:\n%s", n, log)
	}
	if n := strings.Count(log, `"level":"WARN"`); n > 40 {
		t.Errorf("%d warnings were told of 20 requests:\n%s", n, log)
	}
	s.end()
}

// The header is what tells a machine to come again.
func TestAPageThatMeetsNoDatabaseSaysWhenToComeAgain(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	worldOf(t, p.url())
	c := goodConfig(t)
	c.URL = p.url()
	s := serveProcess(t, c)
	s.get("/healthz")
	storetest.Must(t, p.Stop())
	answer, err := http.Get("http://" + s.listen + "/start/x")
	if err != nil {
		t.Fatalf("%v: %s", err, s.log())
	}
	answer.Body.Close()
	if answer.StatusCode != 503 || answer.Header.Get("Retry-After") != "5" {
		t.Errorf("%s, Retry-After %q", answer.Status, answer.Header.Get("Retry-After"))
	}
	// SIGTERM ends the service while there is no database.
	s.end()
}

// A service that finds no database says so and ends, for its supervisor to try
// again.
func TestServeWithoutItsDatabase(t *testing.T) {
	t.Parallel()
	c := goodConfig(t)
	c.URL = "postgres://stella@127.0.0.1:1/stella"
	r := stella(t, environ(c), "serve")
	if r.status != 1 || !strings.HasPrefix(r.err, "stella: reaching the database: ") {
		t.Errorf("%+v", r)
	}
}
