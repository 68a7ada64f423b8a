package main

import (
	"strings"
	"testing"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

// A running service has the metrics of the process, the pages, the API and the queue.
func TestServiceMetrics(t *testing.T) {
	t.Parallel()
	r, url, publish := programtest.RegistryOf(t)
	publish()
	c := programtest.GoodConfig(t)
	c.URL, c.Metrics = storetest.URL(t), "127.0.0.1:0"
	c.ProvidersConfig.Providers, c.Registry, c.RegistryPin = nil, url, r.Signer().String()
	mails := withInbox(t, &c)
	s := startService(t, c)
	w := worldOf(t, c.URL)
	s.waitReady()
	w.Record(t, storetest.AnnasRecord).AdvanceTo(qualification.CodeEntry)
	storetest.Eventually(t, "the code arrives", func() bool { return mails("anna.neri@mail.example") == 1 })
	j := w.RecordAs(t, "anna.neri@pec.example", storetest.AnnasRecord)
	s.handOff(j.Address, storetest.Token)
	if code, _ := s.get("/nothing/" + j.Address); code != 404 {
		t.Errorf("%d", code)
	}
	scraped := s.metrics()
	programtest.ExpectLines(t, scraped,
		`stella_steps_total{event="opened"} 1`,
		`stella_database_up 1`,
		`stella_http_request_duration_seconds_count{route="POST /api/v1/handoffs",status="2xx"} 1`,
		`stella_http_request_duration_seconds_count{route="POST /start/{token}",status="3xx"} 1`,
		`stella_http_request_duration_seconds_count{route="/",status="4xx"} 1`,
	)
	for _, want := range []string{`stella_build_info{go="go1.`, `stella_certificate_expiry_days{owner="stella"} `,
		`stella_registry_age_seconds `,
		`stella_identity_providers `, `process_open_fds `, `go_goroutines `} {
		if !strings.Contains(scraped, "\n"+want) {
			t.Errorf("no metric %s:\n%s", want, programtest.OwnMetrics(scraped))
		}
	}
	if strings.Contains(programtest.OwnMetrics(scraped), "anna") {
		t.Errorf("the metrics name a mailbox:\n%s", programtest.OwnMetrics(scraped))
	}
	s.interrupt()
}
