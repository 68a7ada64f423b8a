package service

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"stella/workflow"
	"stella/workflow/qualification"
)

// counters are the counters of this process. The values of their labels are never user
// input: they are events, routes, limits and known identity providers.
type counters struct {
	steps   *prometheus.CounterVec
	logins  *prometheus.CounterVec
	codes   *prometheus.CounterVec
	limits  *prometheus.CounterVec
	refused *prometheus.CounterVec
	served  *prometheus.HistogramVec
}

func newCounters() *counters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &counters{
		steps: counter("stella_steps_total", "Steps of the procedure that were committed.", "event"),
		logins: counter("stella_logins_total",
			"Completed logins: matched, unproven, differs, refused by us, or the provider's error code.", "provider", "outcome"),
		codes:  counter("stella_codes_typed_total", "Codes that people typed.", "outcome"),
		limits: counter("stella_limits_hit_total", "Requests that a limit refused.", "limit"),
		refused: counter("stella_refused_total",
			"Requests that were refused: without a valid token or scope, from another site, over a limit, "+
				"or invalid responses and logouts of identity providers.", "reason"),
		served: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "stella_http_request_duration_seconds",
			Help:    "Duration of requests, by the pattern of their route and the class of their status.",
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "status"}),
	}
}

// Describe implements [prometheus.Collector].
func (t *counters) Describe(to chan<- *prometheus.Desc) {
	for _, c := range t.collectors() {
		c.Describe(to)
	}
}

// Collect implements [prometheus.Collector].
func (t *counters) Collect(to chan<- prometheus.Metric) {
	for _, c := range t.collectors() {
		c.Collect(to)
	}
}

func (t *counters) collectors() []prometheus.Collector {
	return []prometheus.Collector{t.steps, t.logins, t.codes, t.limits, t.refused, t.served}
}

// observer returns the functions that all procedures call.
func (t *counters) observer() workflow.Observer {
	return workflow.Observer{
		Refused: func(provider string) { t.logins.WithLabelValues(provider, "refused").Inc() },
		Limited: func(limit string) { t.limits.WithLabelValues(limit).Inc() },
	}
}

// stepObserver returns the functions that the steps call.
func (t *counters) stepObserver() qualification.Observer {
	return qualification.Observer{
		Observer: t.observer(),
		Stepped:  t.step,
		Typed:    func(outcome string) { t.codes.WithLabelValues(outcome).Inc() },
	}
}

// request measures a request by route and class of the status.
func (t *counters) request(route string, status int, took time.Duration) {
	t.served.WithLabelValues(route, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}

func (t *counters) step(s qualification.Step) {
	t.steps.WithLabelValues(string(s.Event)).Inc()
	outcome := ""
	switch s.Event {
	case qualification.HolderMatched:
		outcome = "matched"
	case qualification.HolderUnproven:
		outcome = "unproven"
	case qualification.HolderDiffers:
		outcome = "differs"
	case qualification.LoginFailed:
		outcome = failure(s.Refs["failure"])
	default:
		return
	}
	t.logins.WithLabelValues(s.Refs["provider"], outcome).Inc()
}

// failures are the anomalies with which a login can fail (SPID technical rules,
// "Messaggi di errore"), and "suspended", our own reason for a suspended provider.
var failures = []string{"nr08", "nr09", "nr10", "nr11", "nr12", "nr13", "nr14", "nr15", "nr16", "nr17", "nr18",
	"nr19", "nr20", "nr21", "nr22", "nr23", "nr25", "nr30", "suspended"}

// failure returns a known code, and "other" for any other: providers could invent codes,
// and each would be a new label value.
func failure(code string) string {
	if slices.Contains(failures, code) {
		return code
	}
	return "other"
}
