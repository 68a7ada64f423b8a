package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"stella/store"
	"stella/workflow"
)

var (
	webhooksMetric = prometheus.NewDesc("stella_webhooks", "Webhooks that take deliveries (good), do not for now (failing), or were disabled by Stella (given_up) or by an operator (disabled).", []string{"state"}, nil)
	undoneMetric   = prometheus.NewDesc("stella_webhook_waiting", "Deliveries to webhooks that are not made yet.", nil, nil)
	overdueMetric  = prometheus.NewDesc("stella_webhook_oldest_seconds", "Time since the oldest of these was asked for.", nil, nil)
)

// webhookMetrics tells of the webhooks.
type webhookMetrics struct {
	store    *store.Store
	webhooks remembered[store.ListedWebhook]
}

// Describe implements [prometheus.Collector].
func (m *webhookMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- webhooksMetric
	to <- undoneMetric
	to <- overdueMetric
}

// Collect implements [prometheus.Collector].
func (m *webhookMetrics) Collect(to chan<- prometheus.Metric) {
	all := m.webhooks.or(m.store.Webhooks)
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
	tell := tellTo(to)
	for state, n := range states {
		tell(webhooksMetric, float64(n), state)
	}
	tell(undoneMetric, float64(waiting))
	tell(overdueMetric, oldest.Seconds())
}

func webhookLabel(w workflow.Webhook) string {
	switch {
	case w.Disabled == workflow.DisabledByOperator:
		return "disabled"
	case w.Disabled != "":
		return "given_up"
	case w.Failures > 1: // not one delivery alone
		return "failing"
	}
	return "good"
}
