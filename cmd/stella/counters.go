package main

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"stella/workflow"
)

// tally counts what happens in this process. The values of its labels are names
// that we give: events, routes, limits, identity providers of the registry.
type tally struct {
	steps   *prometheus.CounterVec
	logins  *prometheus.CounterVec
	codes   *prometheus.CounterVec
	limits  *prometheus.CounterVec
	refused *prometheus.CounterVec
	served  *prometheus.HistogramVec
}

func newTally() *tally {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &tally{
		steps:   counter("stella_steps_total", "Steps of the procedure that were committed.", "event"),
		logins:  counter("stella_logins_total", "Logins that came back: matched, unproven, differs, refused by us, or why the provider says they failed.", "provider", "outcome"),
		codes:   counter("stella_codes_typed_total", "Codes that people typed.", "outcome"),
		limits:  counter("stella_limits_hit_total", "What a limit refused.", "limit"),
		refused: counter("stella_refused_total", "Requests that were refused: without a good token or scope, from another site, over a limit, or answers and logouts of identity providers that do not hold.", "reason"),
		served: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "stella_http_request_duration_seconds",
			Help: "Requests, by the pattern of their route and the class of their status.", Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}},
			[]string{"route", "status"}),
	}
}

// Describe implements [prometheus.Collector].
func (t *tally) Describe(to chan<- *prometheus.Desc) {
	for _, c := range t.all() {
		c.Describe(to)
	}
}

// Collect implements [prometheus.Collector].
func (t *tally) Collect(to chan<- prometheus.Metric) {
	for _, c := range t.all() {
		c.Collect(to)
	}
}

func (t *tally) all() []prometheus.Collector {
	return []prometheus.Collector{t.steps, t.logins, t.codes, t.limits, t.refused, t.served}
}

// observer is what the procedure tells.
func (t *tally) observer() workflow.Observer {
	return workflow.Observer{
		Stepped: t.step,
		Refused: func(provider string) { t.logins.WithLabelValues(provider, "refused").Inc() },
		Typed:   func(outcome string) { t.codes.WithLabelValues(outcome).Inc() },
		Limited: func(limit string) { t.limits.WithLabelValues(limit).Inc() },
	}
}

func (t *tally) step(s workflow.Step) {
	t.steps.WithLabelValues(string(s.Event)).Inc()
	outcome := ""
	switch s.Event {
	case workflow.HolderMatched:
		outcome = "matched"
	case workflow.HolderUnproven:
		outcome = "unproven"
	case workflow.HolderDiffers:
		outcome = "differs"
	case workflow.LoginFailed:
		outcome = failure(s.Refs["failure"])
	default:
		return
	}
	t.logins.WithLabelValues(s.Refs["provider"], outcome).Inc()
}

// failures are the codes of the SPID technical rules, "Messaggi di errore", that
// tell why a login failed, and our own for a provider that is not believed.
var failures = []string{"nr08", "nr09", "nr10", "nr11", "nr12", "nr13", "nr14", "nr15", "nr16", "nr17", "nr18",
	"nr19", "nr20", "nr21", "nr22", "nr23", "nr25", "nr30", "suspended"}

// failure keeps what a provider made up out of the labels.
func failure(code string) string {
	if slices.Contains(failures, code) {
		return code
	}
	return "other"
}
