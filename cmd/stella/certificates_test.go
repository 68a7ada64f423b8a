package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"stella/spid"
	"stella/store"
	"stella/store/storetest"
	"stella/web"
)

// watched are certificates under a clock that the test sets: ours and that of
// one identity provider, which ends on the same day.
type watched struct {
	certificates
	t     *testing.T
	log   bytes.Buffer
	today time.Time
	ends  time.Time
}

func watch(t *testing.T, ours, provider []*x509.Certificate) *watched {
	w := &watched{t: t, ends: ours[0].NotAfter}
	sp := &spid.ServiceProvider{EntityID: "https://id.example", Certificate: ours[0]}
	if len(ours) > 1 {
		sp.Other = ours[1]
	}
	registry := spid.NewRegistry(spid.Providers{{EntityID: "https://idp.example", Certificates: provider}}, func() time.Time { return w.today })
	w.certificates = certificates{federations: []*web.Federation{{ServiceProvider: sp, Registry: registry}}, log: slog.New(slog.NewJSONHandler(&w.log, nil)),
		now: func() time.Time { return w.today }, told: map[spid.Fingerprint]told{}}
	return w
}

// says is what the log says so long before the end of our certificate.
func (w *watched) says(left time.Duration) []string {
	w.t.Helper()
	w.today = w.ends.Add(-left)
	w.log.Reset()
	w.tell(w.t.Context())
	var all []string
	for dec := json.NewDecoder(&w.log); dec.More(); {
		var line struct {
			Level, Msg, Owner string
			Days              int
		}
		storetest.Must(w.t, dec.Decode(&line))
		all = append(all, fmt.Sprintf("%s %s %d: %s", line.Level, line.Owner, line.Days, line.Msg))
	}
	slices.Sort(all)
	return all
}

func selfSigned(t *testing.T, notBefore time.Time) *x509.Certificate {
	t.Helper()
	_, c, err := spid.SelfSigned("https://id.example", spid.Organization{Name: "Posta", VATNumber: "IT01234567897", Locality: "Roma"}, notBefore)
	storetest.Must(t, err)
	return c
}

func TestCertificatesThatEndAreTold(t *testing.T) {
	t.Parallel()
	n := neighbours()
	w := watch(t, []*x509.Certificate{n.certificate}, []*x509.Certificate{selfSigned(t, n.certificate.NotBefore)})
	const ours, theirs = "https://id.example", "https://idp.example"
	const day = 24 * time.Hour
	for _, x := range []struct {
		left time.Duration
		want []string
	}{
		{61 * day, nil},
		{60 * day, []string{"INFO " + theirs + " 60: a certificate ends soon", "WARN " + ours + " 60: a certificate ends soon"}},
		{60*day - time.Hour, nil}, // the same day
		{31 * day, []string{"INFO " + theirs + " 31: a certificate ends soon", "WARN " + ours + " 31: a certificate ends soon"}},
		{31*day - time.Hour, []string{"INFO " + theirs + " 30: a certificate ends soon", "WARN " + ours + " 30: a certificate ends soon"}},
		{15 * day, []string{"ERROR " + ours + " 15: a certificate ends soon", "WARN " + theirs + " 15: a certificate ends soon"}},
		{14 * day, []string{"ERROR " + ours + " 14: a certificate ends soon", "WARN " + theirs + " 14: a certificate ends soon"}},
		{-day, []string{"ERROR " + ours + " -1: a certificate has ended", "WARN " + theirs + " -1: a certificate has ended"}},
	} {
		if got := w.says(x.left); !slices.Equal(got, x.want) {
			t.Errorf("%v before the end it says %q, want %q", x.left, got, x.want)
		}
	}
}

// While a key is changed two certificates are listed. The one that goes is no
// reason to be woken.
func TestACertificateThatWasReplacedIsNoAlarm(t *testing.T) {
	t.Parallel()
	old := neighbours().certificate
	next, theirs := selfSigned(t, old.NotBefore.AddDate(1, 0, 0)), selfSigned(t, old.NotBefore)
	w := watch(t, []*x509.Certificate{next, old}, []*x509.Certificate{theirs, next})
	w.ends = old.NotAfter
	want := []string{"INFO https://id.example 3: a certificate ends soon", "INFO https://idp.example 3: a certificate ends soon"}
	if got := w.says(3 * 24 * time.Hour); !slices.Equal(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
	// What logins end with is the other one.
	for owner, x := range w.last(w.all()) {
		if !x.NotAfter.Equal(next.NotAfter) {
			t.Errorf("%s ends on %v, want %v", owner, x.NotAfter, next.NotAfter)
		}
	}
	// Before the change it is the other way round: the new one helps nobody yet.
	w = watch(t, []*x509.Certificate{old, next}, []*x509.Certificate{theirs})
	if x := w.last(w.all())["stella"]; !x.NotAfter.Equal(old.NotAfter) {
		t.Errorf("ours ends on %v, want %v", x.NotAfter, old.NotAfter)
	}
}

// A provider's certificate that has a successor is not among it.
func TestReadyTellsWhatWillNeedCare(t *testing.T) {
	t.Parallel()
	n := neighbours()
	w := watch(t, []*x509.Certificate{n.certificate}, []*x509.Certificate{
		selfSigned(t, n.certificate.NotBefore.AddDate(-3, 0, 0)), selfSigned(t, n.certificate.NotBefore.AddDate(1, 0, 0))})
	w.today = w.ends.AddDate(0, 0, -59)
	db, err := store.Open(t.Context(), storetest.URL(t), nil)
	storetest.Must(t, err)
	v := &service{store: db, certificates: &w.certificates, refresher: &refresher{registry: w.federations[0].Registry}}
	ask := func() (int, string) {
		answer := httptest.NewRecorder()
		v.readyz(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/readyz", nil))
		return answer.Code, strings.TrimSpace(answer.Body.String())
	}
	detail := fmt.Sprintf(`"identity_providers":1,"certificates_ending":[{"owner":"https://id.example","not_after":%q,"days":59}]}`, w.ends.Format(time.RFC3339))
	if code, body := ask(); code != 200 || body != `{"status":"ready",`+detail {
		t.Errorf("%d %s", code, body)
	}
	db.Close()
	if code, body := ask(); code != 503 || body != `{"status":"the database does not answer",`+detail {
		t.Errorf("without a database: %d %s", code, body)
	}
}
