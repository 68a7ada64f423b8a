package webhook

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the metrics of deliveries. A nil *metrics counts nothing.
type metrics struct {
	outcomes *prometheus.CounterVec
	latency  prometheus.Histogram
}

// EnableMetrics creates the sender's metrics and returns them for registration. Call it
// before the first delivery.
func (s *Sender) EnableMetrics() []prometheus.Collector {
	s.metrics = &metrics{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stella_webhook_attempts_total",
			Help: "Attempts to deliver an event to a webhook, by what became of it: delivered, failed, given_up, disabled.",
		}, []string{"outcome"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "stella_webhook_delivery_seconds",
			Help:    "Time from an event to its delivery to a webhook.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 10, 30, 60, 600, 3600, 36000},
		}),
	}
	for _, outcome := range []string{"delivered", "failed", "given_up", "disabled"} {
		s.metrics.outcomes.WithLabelValues(outcome) // exported as 0 from the start, so that rate() sees the first increment
	}
	return []prometheus.Collector{s.metrics.outcomes, s.metrics.latency}
}

func (m *metrics) count(outcome string) {
	if m != nil {
		m.outcomes.WithLabelValues(outcome).Inc()
	}
}

func (m *metrics) delivered(after time.Duration) {
	if m != nil {
		m.count("delivered")
		m.latency.Observe(after.Seconds())
	}
}
