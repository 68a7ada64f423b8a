package service

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// scrape returns the metrics of a handler.
func scrape(t *testing.T, metrics http.Handler) string {
	t.Helper()
	answer := httptest.NewRecorder()
	metrics.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if answer.Code != 200 {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// countingWorld returns a world whose steps are counted, and the handler of its
// metrics.
func countingWorld(t *testing.T) (*storetest.World, http.Handler) {
	t.Helper()
	w := storetest.NewWorld(t).InRealTime()
	c := newCounters()
	w.Cases.Observer, w.Logins.Observer = c.stepObserver(), c.observer()
	return w, newMetrics("test", c, &databaseMetrics{store: w.Store, outage: &outage{}})
}

// Each step is counted once, after its commit. The metrics contain no personal data.
func TestStepMetrics(t *testing.T) {
	t.Parallel()
	w, metrics := countingWorld(t)
	j := w.RecordAs(t, "anna.neri@pec.example", storetest.AnnasRecord)
	j.AdvanceTo(qualification.Identification)
	j.Return(j.LogIn(), storetest.Sara) // rejected
	storetest.Must(t, w.Procedure.RetryLogin(t.Context(), j.Visitor, j.Form()))
	login := j.LogIn()
	cancelled, err := w.Logins.StoreAnswer(t.Context(), login, workflow.Answer{Failure: "nr25"}, []byte("<Response/>"))
	storetest.Must(t, err)
	if err := w.Procedure.Return(t.Context(), j.Visitor, cancelled); err == nil {
		t.Error("a cancelled login identified a person")
	}
	invented, err := w.Logins.StoreAnswer(t.Context(), j.LogIn(), workflow.Answer{Failure: "nr999"}, []byte("<Response/>"))
	storetest.Must(t, err)
	w.Procedure.Return(t.Context(), j.Visitor, invented)
	refused := workflow.Login{ID: j.LogIn(), Provider: storetest.Provider}
	storetest.Must(t, w.Logins.ArchiveRefused(t.Context(), refused, []byte("<Response/>")))
	j.AdvanceTo(qualification.CodeEntry)
	if err := w.Procedure.RequestCode(t.Context(), j.Visitor, j.Form()); err == nil {
		t.Error("a second code was sent at once")
	}
	code := j.SendCode()
	for _, typed := range []string{"", wrong(code)} {
		if err := w.Procedure.TypeCode(t.Context(), j.Visitor, j.Form(), typed); err == nil {
			t.Errorf("the code %q is accepted", typed)
		}
	}
	stale := j.Form()
	storetest.Must(t, w.Procedure.TypeCode(t.Context(), j.Visitor, stale, code))
	if err := w.Procedure.TypeCode(t.Context(), j.Visitor, stale, code); err == nil {
		t.Error("a code is accepted twice")
	}
	scraped := scrape(t, metrics)
	programtest.ExpectLines(t, scraped,
		`stella_steps_total{event="login_started"} 4`,
		`stella_steps_total{event="holder_differs"} 1`,
		`stella_steps_total{event="login_failed"} 2`,
		`stella_steps_total{event="code_requested"} 1`,
		`stella_steps_total{event="code_wrong"} 1`,
		`stella_steps_total{event="code_right"} 1`,
		`stella_logins_total{outcome="differs",provider="https://idp.example"} 1`,
		`stella_logins_total{outcome="matched",provider="https://idp.example"} 1`,
		`stella_logins_total{outcome="nr25",provider="https://idp.example"} 1`,
		`stella_logins_total{outcome="other",provider="https://idp.example"} 1`,
		`stella_logins_total{outcome="refused",provider="https://idp.example"} 1`,
		`stella_codes_typed_total{outcome="code_missing"} 1`,
		`stella_codes_typed_total{outcome="code_wrong"} 1`,
		`stella_codes_typed_total{outcome="code_right"} 1`,
		`stella_limits_hit_total{limit="resend_wait"} 1`,
	)
	for _, secret := range []string{"Anna", "anna.neri", storetest.Anna, storetest.Sara, code} {
		if strings.Contains(programtest.OwnMetrics(scraped), secret) {
			t.Errorf("the metrics contain %q", secret)
		}
	}
}

func wrong(code string) string {
	if code == "000000" {
		return "111111"
	}
	return "000000"
}

// The jobs and mails of all instances are counted, and the counts are cached. A job that
// waits for its next try counts as waiting, whatever its state in River is.
func TestQueueMetrics(t *testing.T) {
	t.Parallel()
	w, metrics := countingWorld(t)
	change := func(sql string, args ...any) {
		t.Helper()
		_, err := w.Pool().Exec(t.Context(), sql, args...)
		storetest.Must(t, err)
	}
	for _, set := range []string{
		`scheduled_at = now() - interval '90 seconds'`,
		`state = 'retryable', scheduled_at = now() - interval '30 seconds'`, // not rescheduled by the leader yet
		`scheduled_at = now() + interval '1 minute'`,                        // deferred, still "available"
		`state = 'scheduled', scheduled_at = now() + interval '1 hour', created_at = now() - interval '2 hours'`,
		`state = 'running', attempted_at = now() - interval '7 seconds'`,
	} {
		change(`insert into river_job (kind, max_attempts, args, queue) values ('deliver', 1, '{}', 'webhooks')`)
		change(`update river_job set ` + set + ` where id = (select max(id) from river_job)`)
	}
	for _, set := range []string{
		`due_at = now() - interval '90 seconds'`,
		`claimed_at = now() - interval '50 seconds', claimed_until = now() - interval '30 seconds'`, // its process crashed
		`due_at = now() + interval '1 minute'`,
		`due_at = now() + interval '1 hour', queued_at = now() - interval '2 hours'`,
		`claimed_at = now() - interval '7 seconds', claimed_until = now() + interval '13 seconds'`,
	} {
		j := w.RecordInState(t, qualification.CodeEntry)
		change(`update mail_queue set `+set+` where mail_id = $1`, j.CodeMail())
	}
	first := scrape(t, metrics)
	programtest.ExpectLines(t, first, `stella_database_up 1`, `stella_database_connections{state="most"} 20`)
	for _, labels := range []string{`kind="send_mail",queue="codes"`, `kind="deliver",queue="webhooks"`} {
		for state, want := range map[string]struct{ jobs, age int }{"due": {2, 90}, "waiting": {2, 7200}, "running": {1, 7}} {
			label := `{` + labels + `,state="` + state + `"}`
			jobs, age := programtest.ValueOf(t, first, "stella_queue_jobs"+label), programtest.ValueOf(t, first, "stella_queue_oldest_seconds"+label)
			if int(jobs) != want.jobs || int(age) < want.age || int(age) > want.age+30 {
				t.Errorf("%s: %v jobs, the oldest %v s, want %v:\n%s", label, jobs, age, want, programtest.OwnMetrics(first))
			}
		}
	}
	change(`update mail_queue set claimed_until = now() where claimed_until > now()`)
	if again := scrape(t, metrics); !strings.Contains(again, `kind="send_mail",queue="codes",state="due"} 2`) {
		t.Errorf("the jobs are counted at every scrape:\n%s", programtest.OwnMetrics(again))
	}
}
