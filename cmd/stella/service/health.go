package service

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Readiness is the answer of /readyz.
type Readiness struct {
	Status       string                `json:"status"` // "ready", or why not
	Providers    int                   `json:"identity_providers"`
	RegistryRead time.Time             `json:"registry_read,omitzero"` // when
	Certificates []expiringCertificate `json:"certificates_ending,omitempty"`
}

// expiringCertificate is a certificate that expires within 60 days or has expired: one
// of ours, or a provider's last one.
type expiringCertificate struct {
	Owner    string    `json:"owner"` // an entity ID: ours, or an identity provider's
	NotAfter time.Time `json:"not_after"`
	Days     int       `json:"days"`
}

// readyz answers 200 if this instance can serve people, otherwise 503 with the reason.
// It also lists the certificates that expire soon.
func (v *Service) readyz(w http.ResponseWriter, r *http.Request) {
	ready := Readiness{Status: "ready", Providers: v.certificates.providers()}
	if a := v.refresher.registry.Aggregate(); a != nil {
		ready.RegistryRead = a.FetchedAt
	}
	for _, x := range v.certificates.actionable() {
		if _, near := x.Near(); near {
			ready.Certificates = append(ready.Certificates, expiringCertificate{x.Owner, x.NotAfter, x.Days})
		}
	}
	status := http.StatusOK
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	switch {
	case v.store.Ping(ctx) != nil:
		status, ready.Status = http.StatusServiceUnavailable, "the database does not answer"
	case ready.Providers == 0:
		status, ready.Status = http.StatusServiceUnavailable, "there is no identity provider yet"
	case v.drain.probe(time.Now()):
		status, ready.Status = http.StatusServiceUnavailable, "stopping"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(ready)
}
