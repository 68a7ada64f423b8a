package service

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"stella/middleware"
	"stella/spid"
	"stella/store"
)

// newMetrics returns the handler of /metrics for the collectors, the Go runtime and the
// process. No label contains a person or a mailbox.
func newMetrics(version string, all ...prometheus.Collector) http.Handler {
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "stella_build_info", Help: "The version of the program; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()}})
	build.Set(1)
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build)
	metrics.MustRegister(all...)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return middleware.Secure(false, mux)
}

var (
	providersMetric = prometheus.NewDesc("stella_identity_providers",
		"Identity providers with which people can log in.", nil, nil)
	ageMetric = prometheus.NewDesc("stella_registry_age_seconds",
		"Time since the registry of identity providers was read.", nil, nil)
	expiryMetric = prometheus.NewDesc("stella_certificate_expiry_days",
		"Days until a certificate expires on which logins depend: ours (stella), or the last of an identity provider.",
		[]string{"owner"}, nil)
)

// identityProviders collects the metrics of the identity providers and certificates.
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
	gauge := gaugesTo(to)
	gauge(providersMetric, float64(p.certificates.providers()))
	if a := p.registry.Aggregate(); a != nil {
		gauge(ageMetric, p.certificates.now().Sub(a.FetchedAt).Seconds())
	}
	for owner, x := range p.certificates.lastByOwner(p.certificates.all()) {
		gauge(expiryMetric, x.NotAfter.Sub(p.certificates.now()).Hours()/24, owner)
	}
}

// gaugesTo returns a function that sends the value of a gauge to Prometheus.
func gaugesTo(to chan<- prometheus.Metric) func(d *prometheus.Desc, value float64, labels ...string) {
	return func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
}

var (
	upMetric = prometheus.NewDesc("stella_database_up",
		"1 if the database answers, otherwise 0.", nil, nil)
	connectionsMetric = prometheus.NewDesc("stella_database_connections",
		"Connections of the pool: idle, used, opening, and the maximum (most).", []string{"state"}, nil)
	waitedMetric = prometheus.NewDesc("stella_database_waited_total",
		"Number of waits for a connection of the pool.", nil, nil)
	waitingMetric = prometheus.NewDesc("stella_database_waited_seconds_total",
		"Total time of the waits for a connection of the pool.", nil, nil)
	jobsMetric = prometheus.NewDesc("stella_queue_jobs",
		"Unfinished jobs of all instances: due, running, or waiting for their next try.", []string{"queue", "kind", "state"}, nil)
	oldestMetric = prometheus.NewDesc("stella_queue_oldest_seconds",
		"Time since the oldest of these jobs became due or started running; for waiting jobs, since the job was created.",
		[]string{"queue", "kind", "state"}, nil)
)

// databaseMetrics collects the metrics of the database and of the job queue in it.
type databaseMetrics struct {
	store    *store.Store
	outage   *outage
	backlogs cached[store.Backlog]
}

// Describe implements [prometheus.Collector].
func (m *databaseMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{upMetric, connectionsMetric, waitedMetric, waitingMetric, jobsMetric, oldestMetric} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (m *databaseMetrics) Collect(to chan<- prometheus.Metric) {
	gauge := gaugesTo(to)
	up := 1.0
	if m.outage.away.Load() {
		up = 0
	}
	gauge(upMetric, up)
	pool := m.store.Pool().Stat()
	gauge(connectionsMetric, float64(pool.IdleConns()), "idle")
	gauge(connectionsMetric, float64(pool.AcquiredConns()), "used")
	gauge(connectionsMetric, float64(pool.ConstructingConns()), "opening")
	gauge(connectionsMetric, float64(pool.MaxConns()), "most")
	to <- prometheus.MustNewConstMetric(waitedMetric, prometheus.CounterValue, float64(pool.EmptyAcquireCount()))
	to <- prometheus.MustNewConstMetric(waitingMetric, prometheus.CounterValue, pool.EmptyAcquireWaitTime().Seconds())
	for _, b := range m.backlogs.get(m.store.Backlogs) {
		gauge(jobsMetric, float64(b.Jobs), b.Queue, b.Kind, b.State)
		gauge(oldestMetric, b.Oldest.Seconds(), b.Queue, b.Kind, b.State)
	}
}

// cached keeps the result of a query for cacheTime, so that scrapes do not load the
// database. The query may take at most countTimeout.
type cached[T any] struct {
	mu  sync.Mutex
	all []T
	at  time.Time
}

const (
	cacheTime    = 5 * time.Second
	countTimeout = 2 * time.Second
)

// get returns the cached result, or calls count if it is too old. It returns nil if
// count fails.
func (r *cached[T]) get(count func(context.Context) ([]T, error)) []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) < cacheTime {
		return r.all
	}
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	all, err := count(ctx)
	if err != nil {
		all = nil
	}
	r.all, r.at = all, time.Now()
	return all
}
