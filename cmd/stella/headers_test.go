package main

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

// routes returns a request for each path of the service, with and without access
// control.
func routes(t *testing.T) []string {
	t.Helper()
	all := []string{"GET /healthz", "GET /readyz", "HEAD /readyz",
		"GET /", "GET /altrove", "POST /", "GET //x", "GET /start/x", "POST /start/x",
		"GET /invito/x", "POST /invito/x", "POST /invito/x/rifiuta", "POST /esci", "POST /codice", "GET /codice/stato",
		"GET /identificazione", "GET /identificazione/spid", "GET /identificazione/avvia",
		"GET /spid/metadata", "POST /spid/acs", "GET /spid/return", "GET /spid/logout",
		"GET /loghi/x", "GET /static/none", "GET /api/", "GET /api/v1/openapi.json"}
	text, err := os.ReadFile("../../api/openapi.json")
	storetest.Must(t, err)
	var document struct{ Paths map[string]map[string]any }
	storetest.Must(t, json.Unmarshal(text, &document))
	for path, methods := range document.Paths {
		for method := range methods {
			all = append(all, strings.ToUpper(method)+" "+regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x"))
		}
	}
	return all
}

// Every answer has the headers against content sniffing and caching, and HSTS.
func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	c.URL, c.Metrics = storetest.URL(t), "127.0.0.1:0"
	service := startService(t, c)
	check := func(base, route string, want map[string]string) {
		t.Helper()
		method, path, _ := strings.Cut(route, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, base+path, nil)
		storetest.Must(t, err)
		answer, err := http.DefaultTransport.RoundTrip(r)
		storetest.Must(t, err)
		answer.Body.Close()
		for name, value := range want {
			if got := answer.Header.Get(name); got != value {
				t.Errorf("%s (%d): %s is %q, want %q", route, answer.StatusCode, name, got, value)
			}
		}
	}
	all := routes(t)
	if len(all) < 40 {
		t.Errorf("only %d routes", len(all))
	}
	for _, route := range all {
		check("http://"+service.addr, route, map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Strict-Transport-Security": "max-age=31536000; includeSubDomains"})
	}
	check("http://"+service.metricsAddr(), "GET /metrics",
		map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"})
	service.interrupt()
}
