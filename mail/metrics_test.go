package mail_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"stella/store/storetest"
	"stella/workflow/qualification"
)

func TestMailsAreCounted(t *testing.T) {
	p := newPipeline(t)
	p.sender.PECRelay = startRelay(t).client(t)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(p.sender.EnableMetrics()...)

	j, code, _ := p.codeMail()
	p.Clock.Advance(1500 * time.Millisecond)
	storetest.Must(t, p.work(code.id)) // accepted
	ids := p.requestMails(j, 5)
	p.relay.faults(at("rcpt", 1, noSuchMailbox))
	storetest.Must(t, p.work(ids[0])) // refused
	p.relay.faults(at("rcpt", 1, tryLater))
	p.wait(p.work(ids[1])) // deferred
	denied := &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Relay access denied"}
	p.relay.faults(at("rcpt", 1, denied))
	p.wait(p.work(ids[3])) // faulted
	p.relay.faults(at("end of data", 1, errDrop))
	p.wait(p.work(ids[2])) // unknown
	p.Clock.Advance(15 * time.Minute)
	storetest.Must(t, p.work(ids[2])) // accepted
	p.Clock.Advance(72 * time.Hour)
	storetest.Must(t, p.work(ids[1])) // dropped

	err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP stella_mail_attempts_total Attempts to send a mail, by its kind and by what became of it: accepted, refused, dropped, deferred, faulted, unknown.
# TYPE stella_mail_attempts_total counter
stella_mail_attempts_total{kind="code",outcome="accepted"} 1
stella_mail_attempts_total{kind="under_review",outcome="accepted"} 1
stella_mail_attempts_total{kind="under_review",outcome="deferred"} 1
stella_mail_attempts_total{kind="under_review",outcome="dropped"} 1
stella_mail_attempts_total{kind="under_review",outcome="faulted"} 1
stella_mail_attempts_total{kind="under_review",outcome="refused"} 1
stella_mail_attempts_total{kind="under_review",outcome="unknown"} 1
# HELP stella_mail_connections Connections to a relay that are in use.
# TYPE stella_mail_connections gauge
stella_mail_connections{relay="ordinary"} 0
stella_mail_connections{relay="pec"} 0
`), "stella_mail_attempts_total", "stella_mail_connections")
	if err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(registry, "stella_mail_acceptance_seconds"); n != 2 {
		t.Errorf("%d histograms, want one for codes and one for other mails", n)
	}
	for _, wanted := range []string{
		`stella_mail_acceptance_seconds_bucket{class="code",le="1"} 0`,
		`stella_mail_acceptance_seconds_bucket{class="code",le="2"} 1`,
		`stella_mail_acceptance_seconds_bucket{class="other",le="600"} 0`,
		`stella_mail_acceptance_seconds_bucket{class="other",le="3600"} 1`,
	} {
		if text := expose(t, registry); !strings.Contains(text, wanted+"\n") {
			t.Errorf("no %s in\n%s", wanted, text)
		}
	}
}

func TestConnectionsInUseAreCounted(t *testing.T) {
	p := newPipeline(t)
	registry := prometheus.NewRegistry()
	registry.MustRegister(p.sender.EnableMetrics()...)
	during := ""
	p.relay.faults(func(verb string, _ int) error {
		if verb == "rcpt" {
			during = expose(t, registry)
		}
		return nil
	})
	storetest.Must(t, p.work(p.requestMails(p.RecordInState(t, qualification.CodeEntry), 1)[0]))
	if want := `stella_mail_connections{relay="ordinary"} 1`; !strings.Contains(during, want) {
		t.Errorf("no %s in\n%s", want, during)
	}
}

// expose returns the metrics in Prometheus's text format.
func expose(t *testing.T, g prometheus.Gatherer) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(g, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}
