package mail

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"stella/workflow"
)

// metrics are what is counted of mails. A nil one counts nothing.
type metrics struct {
	outcomes *prometheus.CounterVec
	latency  *prometheus.HistogramVec
}

// Measure has the sender counted from now on, and returns what counts it. It
// comes before the first mail.
func (s *Sender) Measure() []prometheus.Collector {
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

func (r *Relay) gauge(name string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "stella_mail_connections",
		Help:        "Connections to a relay that are in use.",
		ConstLabels: prometheus.Labels{"relay": name},
	}, func() float64 { return float64(len(r.using)) })
}

func (m *metrics) count(k workflow.MailKind, outcome string) {
	if m != nil {
		m.outcomes.WithLabelValues(string(k), outcome).Inc()
	}
}

// outcome names a failure of a mail that is put off: deferred, or faulted if
// that stays until an operator corrects the cause.
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
	if k == workflow.MailCode {
		class = "code"
	}
	m.latency.WithLabelValues(class).Observe(after.Seconds())
}
