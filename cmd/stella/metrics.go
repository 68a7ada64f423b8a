package main

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"stella/spid"
	"stella/store"
)

// newMetrics makes the handler that tells Prometheus what these know. No label
// names a person or a mailbox.
func newMetrics(all ...prometheus.Collector) http.Handler {
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "stella_build_info", Help: "Which program this is; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()}})
	build.Set(1)
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build)
	metrics.MustRegister(all...)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return protected(false, mux)
}

var (
	providersMetric = prometheus.NewDesc("stella_identity_providers", "Identity providers that people can log in with.", nil, nil)
	ageMetric       = prometheus.NewDesc("stella_registry_age_seconds", "Time since the registry of identity providers was read.", nil, nil)
	expiryMetric    = prometheus.NewDesc("stella_certificate_expiry_days", "Days until logins end with a certificate: ours (stella), or the last of an identity provider.", []string{"owner"}, nil)
)

// identityProviders tells of the identity providers as they are when asked.
type identityProviders struct {
	registry     *spid.Registry
	certificates *certificates
}

// Describe implements [prometheus.Collector].
func (p *identityProviders) Describe(to chan<- *prometheus.Desc) {
	to <- providersMetric
	to <- ageMetric
	to <- expiryMetric
}

// Collect implements [prometheus.Collector].
func (p *identityProviders) Collect(to chan<- prometheus.Metric) {
	tell := tellTo(to)
	tell(providersMetric, float64(p.certificates.providers()))
	if a := p.registry.Aggregate(); a != nil {
		tell(ageMetric, p.certificates.now().Sub(a.FetchedAt).Seconds())
	}
	for owner, x := range p.certificates.last(p.certificates.all()) {
		tell(expiryMetric, x.NotAfter.Sub(p.certificates.now()).Hours()/24, owner)
	}
}

// tellTo tells gauges.
func tellTo(to chan<- prometheus.Metric) func(d *prometheus.Desc, value float64, labels ...string) {
	return func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
}

var (
	upMetric          = prometheus.NewDesc("stella_database_up", "Whether the database answers: 1 or 0.", nil, nil)
	connectionsMetric = prometheus.NewDesc("stella_database_connections", "Connections of the pool: idle, in use, being made, and the most there may be.", []string{"state"}, nil)
	waitedMetric      = prometheus.NewDesc("stella_database_waited_total", "Times that a connection of the pool had to be waited for.", nil, nil)
	waitingMetric     = prometheus.NewDesc("stella_database_waited_seconds_total", "Time that connections of the pool were waited for.", nil, nil)
	jobsMetric        = prometheus.NewDesc("stella_queue_jobs", "Jobs that are not done, of all instances: due, running, or waiting for their next try.", []string{"queue", "kind", "state"}, nil)
	oldestMetric      = prometheus.NewDesc("stella_queue_oldest_seconds", "For how long the oldest of these jobs has been so; of those waiting, since it was asked for.", []string{"queue", "kind", "state"}, nil)
)

// databaseMetrics tells of the database, and of the job queue in it.
type databaseMetrics struct {
	store    *store.Store
	outage   *outage
	backlogs remembered[store.Backlog]
}

// Describe implements [prometheus.Collector].
func (m *databaseMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{upMetric, connectionsMetric, waitedMetric, waitingMetric, jobsMetric, oldestMetric} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (m *databaseMetrics) Collect(to chan<- prometheus.Metric) {
	tell := tellTo(to)
	up := 1.0
	if m.outage.away.Load() {
		up = 0
	}
	tell(upMetric, up)
	pool := m.store.Pool().Stat()
	tell(connectionsMetric, float64(pool.IdleConns()), "idle")
	tell(connectionsMetric, float64(pool.AcquiredConns()), "used")
	tell(connectionsMetric, float64(pool.ConstructingConns()), "opening")
	tell(connectionsMetric, float64(pool.MaxConns()), "most")
	to <- prometheus.MustNewConstMetric(waitedMetric, prometheus.CounterValue, float64(pool.EmptyAcquireCount()))
	to <- prometheus.MustNewConstMetric(waitingMetric, prometheus.CounterValue, pool.EmptyAcquireWaitTime().Seconds())
	for _, b := range m.backlogs.or(m.store.Backlogs) {
		tell(jobsMetric, float64(b.Jobs), b.Queue, b.Kind, b.State)
		tell(oldestMetric, b.Oldest.Seconds(), b.Queue, b.Kind, b.State)
	}
}

// remembered is what was last counted in the database: at most once in
// countEvery, however often it is asked, and for no longer than countFor.
type remembered[T any] struct {
	mu  sync.Mutex
	all []T
	at  time.Time
}

const (
	countEvery = 5 * time.Second
	countFor   = 2 * time.Second
)

// or returns what is remembered, or counts; nil where that fails.
func (r *remembered[T]) or(count func(context.Context) ([]T, error)) []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) < countEvery {
		return r.all
	}
	ctx, cancel := context.WithTimeout(context.Background(), countFor)
	defer cancel()
	all, err := count(ctx)
	if err != nil {
		all = nil
	}
	r.all, r.at = all, time.Now()
	return all
}
