package web

import (
	"net/http"
	"strings"
	"testing"

	"stella/store"
	"stella/store/pgproxy"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

// A page is one round trip to the database, and a step is two. The domain of an e-mail
// address is looked up first. A login needs more: its request shows that the visitor may
// log in, and the response is checked and stored.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	proxy, err := pgproxy.New(url, 0)
	storetest.Must(t, err)
	defer proxy.Close()
	behind, err := proxy.URL(url)
	storetest.Must(t, err)
	db, err := store.Open(t.Context(), behind, storetest.Auditor.Recipient())
	storetest.Must(t, err)
	t.Cleanup(db.Close)
	w := makeWorldIn(t, db, "")
	walk := func(h holder, count func(route string, trips int64)) {
		w.record(h)
		b := w.browser()
		b.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			before := proxy.RoundTrips()
			answer, err := http.DefaultTransport.RoundTrip(r)
			if strings.HasPrefix(r.URL.String(), w.url) {
				path, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
				count(r.Method+" /"+path, proxy.RoundTrips()-before)
			}
			return answer, err
		})
		b.handOver(h)
		b.proceed(h, qualification.HolderChoice, qualification.Qualified)
	}
	walk(bianchi, func(string, int64) {}) // the first use of a statement prepares it
	limits := map[string]int64{"GET /": 1, "POST /start": 3, "POST /contatti": 3, "GET /identificazione": 3, "POST /spid": 3}
	walk(anna, func(route string, trips int64) {
		limit, special := limits[route]
		if !special {
			limit = 2
		}
		if trips > limit {
			t.Errorf("%s: %d round trips, want at most %d", route, trips, limit)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
