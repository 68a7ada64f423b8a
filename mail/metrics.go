package mail

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"stella/workflow"
)

// metrics are the metrics of a Sender. The methods of a nil *metrics do nothing.
type metrics struct {
	outcomes *prometheus.CounterVec
	latency  *prometheus.HistogramVec
}

// EnableMetrics starts to collect the sender's metrics and returns the collectors.
// Call it before the first mail is sent.
func (s *Sender) EnableMetrics() []prometheus.Collector {
	s.metrics = &metrics{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stella_mail_attempts_total",
			Help: "Attempts to send a mail, by its kind and by what became of it: accepted, refused, dropped, deferred, faulted, unknown.",
		}, []string{"kind", "outcome"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "stella_mail_acceptance_seconds",
			Help:    "Time from the step that asked for a mail to its acceptance by the relay, for codes and for others.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 10, 30, 60, 600, 3600, 36000},
		}, []string{"class"}),
	}
	all := []prometheus.Collector{s.metrics.outcomes, s.metrics.latency, s.Relay.gauge("ordinary")}
	if s.PECRelay != nil {
		all = append(all, s.PECRelay.gauge("pec"))
	}
	return all
}

// gauge returns the gauge of the connections in use, with the label relay=name.
func (r *Relay) gauge(name string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "stella_mail_connections",
		Help:        "Connections to a relay that are in use.",
		ConstLabels: prometheus.Labels{"relay": name},
	}, func() float64 { return float64(len(r.slots)) })
}

func (m *metrics) count(k workflow.MailKind, outcome string) {
	if m != nil {
		m.outcomes.WithLabelValues(string(k), outcome).Inc()
	}
}

// outcome returns the label of an attempt that is retried: "faulted" if an
// operator must correct the cause, otherwise "deferred".
func (f *Failure) outcome() string {
	if f.lasting() {
		return "faulted"
	}
	return "deferred"
}

func (m *metrics) accepted(k workflow.MailKind, after time.Duration) {
	if m == nil {
		return
	}
	m.count(k, "accepted")
	class := "other"
	if k.Type().Urgent {
		class = "code"
	}
	m.latency.WithLabelValues(class).Observe(after.Seconds())
}
