package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"stella/api"
	"stella/cmd/stella/config"
	"stella/mail"
	"stella/middleware"
	"stella/otp"
	"stella/spid"
	"stella/store"
	"stella/templates"
	"stella/web"
	"stella/webhook"
	"stella/workflow"
	"stella/workflow/qualification"
)

// Service contains the parts of a running Stella.
type Service struct {
	store        *store.Store
	cases        *qualification.Cases
	handler      http.Handler
	mails        *mail.Queues
	jobs         *river.Client[pgx.Tx]
	relays       []*mail.Relay
	refresher    *refresher
	certificates *certificates
	outage       *outage
	drain        readinessDrain
	Metrics      http.Handler
	log          *slog.Logger
}

func New(s *config.Settings, db *store.Store, version string, log *slog.Logger) (*Service, error) {
	texts, err := templates.New(s.Site)
	if err != nil {
		return nil, err
	}
	documents := make(map[string]workflow.Document, len(s.Documents))
	for locale, d := range s.Documents {
		documents[locale] = workflow.Document{SHA256: d.SHA256, Version: d.Version, Date: d.Date, Locale: d.Locale, Body: d.Bytes}
	}
	counts := newCounters()
	observer := counts.observer()
	cases := &qualification.Cases{Store: db, Now: time.Now, Observer: counts.stepObserver()}
	provider := &workflow.Provider{Store: db, Keys: s.Keys, Now: time.Now, Observer: observer}
	registry, err := newRegistry(s, db)
	if err != nil {
		return nil, err
	}
	pages := &web.Server{
		Procedure:     &qualification.Procedure{Cases: cases, Keys: s.Keys, Limits: otp.Defaults, Documents: documents},
		Provider:      provider,
		Logins:        &workflow.Logins{Store: db, Keys: s.Keys, Now: time.Now, Observer: observer},
		Sessions:      &workflow.Sessions{Store: db, Now: time.Now},
		Templates:     texts,
		PublicURL:     s.PublicURL,
		IsUnavailable: store.IsUnavailable,
		Log:           log,
		Now:           time.Now,
		SPID:          web.Federation{ServiceProvider: s.SPID, Registry: registry, Names: s.Names},
		Purpose:       s.Purpose,
		Collaudo:      s.Collaudo,
		Logos:         s.Logos,
	}
	federations := []*web.Federation{&pages.SPID}
	if s.CIE != nil {
		pages.CIE = &web.Federation{ServiceProvider: s.CIE, Registry: spid.NewRegistry(s.Card, nil)}
		federations = append(federations, pages.CIE)
	}
	apiServer := &api.Server{
		Provider:      provider,
		Cases:         cases,
		PublicURL:     s.PublicURL.String(),
		IsUnavailable: store.IsUnavailable,
		Log:           log,
	}
	v := &Service{
		store:        db,
		cases:        cases,
		log:          log,
		refresher:    &refresher{registry: registry, log: log},
		certificates: &certificates{federations: federations, log: log, now: time.Now, reported: map[spid.Fingerprint]report{}},
		outage:       &outage{ping: db.Ping, log: log},
	}
	sender := &mail.Sender{
		Outbox:    db,
		Templates: texts,
		Keys:      s.Keys,
		PublicURL: s.PublicURL.String(),
		FromName:  s.FromName,
		From:      s.From,
		DKIM:      s.DKIM,
		Now:       time.Now,
		Log:       log,
	}
	sender.Relay = v.relay(s.Relay)
	if s.PECRelay != nil {
		sender.PECRelay = v.relay(*s.PECRelay)
	}
	hooks := &webhook.Sender{Outbox: db, Deliverer: &webhook.Deliverer{Keys: s.Keys, Allow: s.Allow}, Now: time.Now, Log: log}
	v.Metrics = newMetrics(version, slices.Concat(sender.EnableMetrics(), hooks.EnableMetrics(), []prometheus.Collector{
		counts,
		&identityProviders{registry, v.certificates},
		&databaseMetrics{store: db, outage: v.outage},
		&webhookMetrics{store: db},
	})...)
	stack := middleware.Stack{
		Log:     log,
		HTTPS:   s.PublicURL.Scheme == "https",
		Proxies: s.Proxies,
		Timeout: requestTimeout,
		Served:  counts.request,
		Refused: func(reason string) { counts.refused.WithLabelValues(reason).Inc() },
		Quiet:   func(r *http.Request, status int) bool { return isHealthCheck(r) || api.Quiet(r, status) },
	}
	v.handler = stack.Wrap(v.routes(pages.Handler(), apiServer.Handler()))
	expire := &expiry{cases: cases, store: db, log: log}
	queueLog := slog.New(filterHandler{log.Handler(), v.outage})
	v.mails = mail.NewQueues(sender, queueLog)
	v.jobs, err = newJobs(db, hooks, expire, v.refresher, queueLog)
	return v, err
}

func (v *Service) relay(o mail.RelayOptions) *mail.Relay {
	r := mail.NewRelay(o)
	v.relays = append(v.relays, r)
	return r
}

// routes returns the handler of the pages, the API and the health checks.
func (v *Service) routes(pages, api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.Handle("/api/", api)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", v.readyz)
	return mux
}

func isHealthCheck(r *http.Request) bool {
	return r.Pattern == "GET /healthz" || r.Pattern == "GET /readyz"
}

// A job starts within milliseconds, because the queue is notified of it. A poll finds a
// job whose notification was lost. If the process of a job crashes, the job runs again
// within about 45 s.
const (
	fetchCooldown = 5 * time.Millisecond
	fetchPoll     = 10 * time.Second
	expireEvery   = 10 * time.Minute
)

// newJobs returns the queue of the deliveries and of the periodic jobs.
func newJobs(
	db *store.Store, hooks *webhook.Sender, e *expiry, r *refresher, log *slog.Logger,
) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, hooks)
	river.AddWorker(workers, &webhook.Waker{Outbox: hooks.Outbox, Now: hooks.Now})
	river.AddWorker(workers, e)
	river.AddWorker(workers, r)
	every := func(interval time.Duration, job river.JobArgs) *river.PeriodicJob {
		return river.NewPeriodicJob(river.PeriodicInterval(interval),
			func() (river.JobArgs, *river.InsertOpts) { return job, nil }, &river.PeriodicJobOpts{RunOnStart: true})
	}
	queues := webhook.Queues()
	queues[river.QueueDefault] = river.QueueConfig{MaxWorkers: 2} // the periodic jobs
	jobs, err := river.NewClient(riverpgxv5.New(db.Pool()), &river.Config{
		Queues:               queues,
		Workers:              workers,
		FetchCooldown:        fetchCooldown,
		FetchPollInterval:    fetchPoll,
		JobTimeout:           webhook.JobTimeout,
		RescueStuckJobsAfter: webhook.JobTimeout,
		ReindexerSchedule:    river.NeverSchedule(), // only the owner of the tables may reindex
		PeriodicJobs: []*river.PeriodicJob{
			every(expireEvery, qualification.Expire{}),
			every(refreshEvery, refresh{}),
			every(webhook.WakeEvery, workflow.WakeWebhooks{}),
		},
		Logger: log,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the job queue: %w", err)
	}
	return jobs, nil
}

// expiry is the worker of the periodic job that expires abandoned qualifications and
// deletes old rows.
type expiry struct {
	river.WorkerDefaults[qualification.Expire]
	cases *qualification.Cases
	store *store.Store
	log   *slog.Logger
}

func (e *expiry) Work(ctx context.Context, _ *river.Job[qualification.Expire]) error {
	expired, err := e.cases.ExpireStale(ctx)
	if expired > 0 {
		e.log.InfoContext(ctx, "qualifications expired", "count", expired)
	}
	return errors.Join(err, e.store.Sweep(ctx, e.cases.Now()))
}

// requestTimeout limits the duration of a request. Requests wait mostly for the
// database: for a connection of the pool, a lock or an answer. Calls of identity
// providers are within the limit too.
const requestTimeout = 10 * time.Second

// Timeouts and limits of the HTTP servers. They close the connections of slow clients.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 25 * time.Second
	maxHeader     = 32 << 10
)

func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// drainPart stops a part of the service and waits for it, at most drainTimeout.
func drainPart(stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	return stop(ctx)
}

// Run serves until ctx ends. Then it drains the load balancers and finishes the open
// requests, and after them the running jobs and mails, because requests create these.
func (v *Service) Run(ctx context.Context, l net.Listener) error {
	// The workers continue after ctx ends, until they are stopped below.
	if err := v.jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("starting the job queue: %w", err)
	}
	v.mails.Start()
	v.refresher.reload(ctx)
	following, stop := context.WithCancel(ctx)
	var followed sync.WaitGroup
	followed.Go(func() { v.refresher.watch(following, v.certificates) })
	followed.Go(func() { v.outage.watch(following) })
	server := NewServer(v.handler, v.log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		v.log.Info("stopping: finishing what is in flight")
		v.drain.failReadiness()
	}
	stop()
	err = errors.Join(err, drainPart(server.Shutdown), drainPart(v.stopQueues))
	followed.Wait()
	for _, r := range v.relays {
		r.Close()
	}
	return err
}

// stopQueues waits for the running mails and jobs.
func (v *Service) stopQueues(ctx context.Context) error {
	mails := make(chan error, 1)
	go func() { mails <- v.mails.Stop(ctx) }()
	return errors.Join(v.jobs.Stop(ctx), <-mails)
}
