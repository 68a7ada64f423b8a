// Package service contains the running service: it builds the parts, connects them, and
// starts and stops them in order.
//
//   - service.go: New and Run; start here
//   - listener.go, drain.go: limits of connections; the drain of load balancers before a
//     stop
//   - health.go, outage.go: readiness, and database outages in the log
//   - registry.go, certificates.go: refresh of the identity providers; certificates that
//     expire
//   - counters.go, metrics.go, webhook_metrics.go: metrics
package service
