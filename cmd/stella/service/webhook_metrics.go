package service

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"stella/store"
	"stella/workflow"
)

var (
	webhooksMetric = prometheus.NewDesc("stella_webhooks",
		"Webhooks that accept deliveries (good), fail now (failing), or were disabled by Stella (given_up) or by an operator (disabled).",
		[]string{"state"}, nil)
	waitingDeliveriesMetric = prometheus.NewDesc("stella_webhook_waiting",
		"Deliveries to webhooks that are not made yet.", nil, nil)
	oldestDeliveryMetric = prometheus.NewDesc("stella_webhook_oldest_seconds",
		"Time since the oldest of these deliveries was created.", nil, nil)
)

// webhookMetrics collects the metrics of the webhooks.
type webhookMetrics struct {
	store    *store.Store
	webhooks cached[store.ListedWebhook]
}

// Describe implements [prometheus.Collector].
func (m *webhookMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- webhooksMetric
	to <- waitingDeliveriesMetric
	to <- oldestDeliveryMetric
}

// Collect implements [prometheus.Collector].
func (m *webhookMetrics) Collect(to chan<- prometheus.Metric) {
	all := m.webhooks.get(m.store.Webhooks)
	if all == nil {
		return
	}
	states := map[string]int{"good": 0, "failing": 0, "given_up": 0, "disabled": 0}
	waiting, oldest := 0, time.Duration(0)
	for _, w := range all {
		states[webhookLabel(w.Webhook)]++
		waiting += w.Waiting
		if w.Waiting > 0 {
			oldest = max(oldest, time.Since(w.OldestAt))
		}
	}
	gauge := gaugesTo(to)
	for state, n := range states {
		gauge(webhooksMetric, float64(n), state)
	}
	gauge(waitingDeliveriesMetric, float64(waiting))
	gauge(oldestDeliveryMetric, oldest.Seconds())
}

func webhookLabel(w workflow.Webhook) string {
	switch {
	case w.Disabled == workflow.DisabledByOperator:
		return "disabled"
	case w.Disabled != "":
		return "given_up"
	case w.Failures > 1: // a single failure does not count
		return "failing"
	}
	return "good"
}
