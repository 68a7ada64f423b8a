package service

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

	"stella/cmd/stella/programtest"
	"stella/spid"
	"stella/store"
	"stella/store/storetest"
	"stella/web"
)

// watchedCertificates contains our certificate and one of an identity provider, which
// expire on the same day, with a clock that the test sets.
type watchedCertificates struct {
	certificates
	t        *testing.T
	log      bytes.Buffer
	today    time.Time
	notAfter time.Time
}

func watchCertificates(t *testing.T, ours, provider []*x509.Certificate) *watchedCertificates {
	w := &watchedCertificates{t: t, notAfter: ours[0].NotAfter}
	sp := &spid.ServiceProvider{EntityID: "https://id.example", Certificate: ours[0]}
	if len(ours) > 1 {
		sp.Other = ours[1]
	}
	registry := spid.NewRegistry(spid.Providers{{EntityID: "https://idp.example", Certificates: provider}},
		func() time.Time { return w.today })
	w.certificates = certificates{
		federations: []*web.Federation{{ServiceProvider: sp, Registry: registry}},
		log:         slog.New(slog.NewJSONHandler(&w.log, nil)),
		now:         func() time.Time { return w.today },
		reported:    map[spid.Fingerprint]report{},
	}
	return w
}

// logAt returns the lines that logExpiring logs this long before our certificate
// expires.
func (w *watchedCertificates) logAt(left time.Duration) []string {
	w.t.Helper()
	w.today = w.notAfter.Add(-left)
	w.log.Reset()
	w.logExpiring(w.t.Context())
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
	_, c, err := spid.SelfSigned("https://id.example",
		spid.Organization{Name: "Posta", VATNumber: "IT01234567897", Locality: "Roma"}, notBefore)
	storetest.Must(t, err)
	return c
}

func TestExpiringCertificatesAreLogged(t *testing.T) {
	t.Parallel()
	n := programtest.Fixtures()
	w := watchCertificates(t, []*x509.Certificate{n.Certificate}, []*x509.Certificate{selfSigned(t, n.Certificate.NotBefore)})
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
		if got := w.logAt(x.left); !slices.Equal(got, x.want) {
			t.Errorf("%v before the expiry the log is %q, want %q", x.left, got, x.want)
		}
	}
}

// While a key is changed, two certificates are listed. The expiry of the old one is
// not urgent.
func TestReplacedCertificateIsNotUrgent(t *testing.T) {
	t.Parallel()
	old := programtest.Fixtures().Certificate
	next, theirs := selfSigned(t, old.NotBefore.AddDate(1, 0, 0)), selfSigned(t, old.NotBefore)
	w := watchCertificates(t, []*x509.Certificate{next, old}, []*x509.Certificate{theirs, next})
	w.notAfter = old.NotAfter
	want := []string{"INFO https://id.example 3: a certificate ends soon", "INFO https://idp.example 3: a certificate ends soon"}
	if got := w.logAt(3 * 24 * time.Hour); !slices.Equal(got, want) {
		t.Errorf("the log is %q, want %q", got, want)
	}
	// Logins work until the new certificate expires.
	for owner, x := range w.lastByOwner(w.all()) {
		if !x.NotAfter.Equal(next.NotAfter) {
			t.Errorf("%s: expires on %v, want %v", owner, x.NotAfter, next.NotAfter)
		}
	}
	// Before the change, the new certificate does not sign yet.
	w = watchCertificates(t, []*x509.Certificate{old, next}, []*x509.Certificate{theirs})
	if x := w.lastByOwner(w.all())["stella"]; !x.NotAfter.Equal(old.NotAfter) {
		t.Errorf("ours expires on %v, want %v", x.NotAfter, old.NotAfter)
	}
}

// A provider's certificate that has a successor is not listed.
func TestReadyzListsExpiringCertificates(t *testing.T) {
	t.Parallel()
	n := programtest.Fixtures()
	w := watchCertificates(t, []*x509.Certificate{n.Certificate}, []*x509.Certificate{
		selfSigned(t, n.Certificate.NotBefore.AddDate(-3, 0, 0)), selfSigned(t, n.Certificate.NotBefore.AddDate(1, 0, 0))})
	w.today = w.notAfter.AddDate(0, 0, -59)
	db, err := store.Open(t.Context(), storetest.URL(t), nil)
	storetest.Must(t, err)
	v := &Service{store: db, certificates: &w.certificates, refresher: &refresher{registry: w.federations[0].Registry}}
	ask := func() (int, string) {
		answer := httptest.NewRecorder()
		v.readyz(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/readyz", nil))
		return answer.Code, strings.TrimSpace(answer.Body.String())
	}
	detail := fmt.Sprintf(`"identity_providers":1,"certificates_ending":[{"owner":"https://id.example","not_after":%q,"days":59}]}`,
		w.notAfter.Format(time.RFC3339))
	if code, body := ask(); code != 200 || body != `{"status":"ready",`+detail {
		t.Errorf("%d %s", code, body)
	}
	db.Close()
	if code, body := ask(); code != 503 || body != `{"status":"the database does not answer",`+detail {
		t.Errorf("without a database: %d %s", code, body)
	}
}
