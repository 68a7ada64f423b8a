package service

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stella/client"
	"stella/cmd/stella/programtest"
	"stella/store"
	"stella/store/localpg"
	"stella/store/storetest"
	"stella/workflow"
)

// fillMailboxes creates mailboxes, every third with a star. It skips triggers and
// foreign keys, because the benchmark only reads.
const fillMailboxes = `
	begin;
	set local session_replication_role = replica;
	insert into mailboxes (address, status, record_id, star, current_id)
		select 'box' || n || '@pec.example', 'active', gen_random_uuid(), star, star
		from (select n, case when n %% 3 = 0 then gen_random_uuid() end as star from generate_series(1, %[1]d) n) boxes;
	insert into qualifications (id, mailbox_id, version, state, opened_at, stepped_at, owner, locale, reason, remark, identity_id)
		select star, id, 17, 'qualified', now(), now(), 'webmail', 'it', '', '', gen_random_uuid() from mailboxes where star is not null;
	insert into identities (id, qualification_id, login_id, assertion_id, provider, provider_name, level, name, family_name, fiscal_number,
			date_of_birth, person_code, authenticated_at, identified_at)
		select identity_id, id, id::text, id::text, 'https://idp.example', 'Identità di prova', 'SpidL2', 'Anna', 'Neri', 'NRENNA80A41H501T',
			'', '', now(), now() from qualifications;
	commit;`

// webmails is the number of API clients. Each may make 30,000 calls a minute.
const webmails = 10

// BenchmarkStatus compares the status call of `stella serve` with a minimal net/http
// handler that reads the mailbox's row with pgx and encodes the same JSON. Both are
// measured in turns, over real sockets, with the same number of connections.
//
//	go test ./cmd/stella -run '^$' -bench 'Status$' -benchtime 1x
func BenchmarkStatus(b *testing.B) {
	cluster := benchCluster(b)
	db := statusDatabase(b, cluster, "small", 10_000)
	ours, bare := statusHandler(b, db), bareStatus(db.Pool())
	alternate(b, "bare/s", load{bare, 10_000}, "stella/s", load{ours, 10_000})
}

// BenchmarkStatusOfMillions compares the status call on a database with many mailboxes
// with one on a small database. It needs 5 GB of disk.
//
//	STELLA_BENCH_MAILBOXES=5000000 go test ./cmd/stella -run '^$' -bench StatusOfMillions -benchtime 1x -timeout 1h
func BenchmarkStatusOfMillions(b *testing.B) {
	many, err := strconv.Atoi(os.Getenv("STELLA_BENCH_MAILBOXES"))
	if err != nil {
		b.Skip("STELLA_BENCH_MAILBOXES is not a number")
	}
	cluster := benchCluster(b)
	small := statusHandler(b, statusDatabase(b, cluster, "small", 10_000))
	large := statusHandler(b, statusDatabase(b, cluster, "large", many))
	alternate(b, "few/s", load{small, 10_000}, "many/s", load{large, many})
}

func benchCluster(b *testing.B) *localpg.Cluster {
	b.Helper()
	dir, err := os.MkdirTemp("", "stella-bench-")
	storetest.Must(b, err)
	b.Cleanup(func() { os.RemoveAll(dir) })
	storetest.Must(b, os.Chmod(dir, 0o755)) // PostgreSQL does not run as root
	cluster, err := localpg.Start(b.Context(), localpg.Options{
		Dir:      dir,
		Settings: map[string]string{"fsync": "off", "max_wal_size": "4GB"},
	})
	storetest.Must(b, err)
	b.Cleanup(func() { cluster.Stop() })
	return cluster
}

func statusDatabase(b *testing.B, cluster *localpg.Cluster, name string, mailboxes int) *store.Store {
	b.Helper()
	admin, err := pgxpool.New(b.Context(), cluster.URL("postgres"))
	storetest.Must(b, err)
	defer admin.Close()
	_, err = admin.Exec(b.Context(), "create database "+name)
	storetest.Must(b, err)
	db, err := store.Open(b.Context(), cluster.URL(name), nil)
	storetest.Must(b, err)
	b.Cleanup(db.Close)
	_, err = db.Migrate(b.Context())
	storetest.Must(b, err)
	for i := range webmails {
		c := workflow.Client{Name: fmt.Sprint("webmail", i), Domains: []string{"pec.example"}, ReturnURLs: []string{storetest.ReturnURL},
			Scopes: []workflow.Scope{workflow.ScopeWebmail}}
		storetest.Must(b, db.AddClient(b.Context(), c, workflow.Digest(fmt.Sprint("token", i)), time.Now()))
	}
	filler, err := pgxpool.New(b.Context(), cluster.URL(name))
	storetest.Must(b, err)
	defer filler.Close()
	for _, statement := range []string{fmt.Sprintf(fillMailboxes, mailboxes), "vacuum analyze"} {
		_, err = filler.Exec(b.Context(), statement)
		storetest.Must(b, err)
	}
	return db
}

// statusHandler returns the complete handler of `stella serve`.
func statusHandler(b *testing.B, db *store.Store) http.Handler {
	b.Helper()
	s, err := programtest.GoodConfig(b).Check()
	storetest.Must(b, err)
	log, err := os.OpenFile(programtest.File(b, "log", nil), os.O_WRONLY, 0)
	storetest.Must(b, err)
	b.Cleanup(func() { log.Close() })
	service, err := New(s, db, "test", slog.New(slog.NewJSONHandler(log, nil)))
	storetest.Must(b, err)
	return service.handler
}

// bareStatus returns a handler that only reads the row and answers.
func bareStatus(pool *pgxpool.Pool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/mailboxes/{address}", func(w http.ResponseWriter, r *http.Request) {
		m := client.Mailbox{Show: client.ShowBanner}
		starred := false
		err := pool.QueryRow(r.Context(), `select address, status, star is not null from mailboxes where address = $1`,
			r.PathValue("address")).
			Scan(&m.Address, &m.State, &starred)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		now := time.Now()
		m.Since, m.Level = &now, "SpidL2"
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(m)
	})
	return mux
}

// load requests the status of random mailboxes, box1 to box<mailboxes>, from a handler.
type load struct {
	handler   http.Handler
	mailboxes int
}

// alternate measures two loads in turns. It reports the medians of their requests per
// second, and of the ratio of the second to the first.
func alternate(b *testing.B, name1 string, one load, name2 string, two load) {
	b.Helper()
	// The spans are short, so that other work on the machine affects both loads.
	const rounds, warm, span = 41, time.Second, 500 * time.Millisecond
	one.perSecond(b, warm)
	two.perSecond(b, warm)
	var first, second, ratio []float64
	for range rounds {
		x, y := one.perSecond(b, span), two.perSecond(b, span)
		first, second, ratio = append(first, x), append(second, y), append(ratio, y/x)
	}
	b.ReportMetric(median(first), name1)
	b.ReportMetric(median(second), name2)
	b.ReportMetric(median(ratio), "ratio")
	b.ReportMetric(0, "ns/op") // meaningless here
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// connections is the number of client connections, equal to the maximum of the pool.
const connections = 20

// perSecond returns the number of answered requests per second. It uses several
// connections, with one request at a time on each.
func (l load) perSecond(b *testing.B, span time.Duration) float64 {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	storetest.Must(b, err)
	server := NewServer(l.handler, slog.New(slog.DiscardHandler))
	go server.Serve(listener)
	defer server.Close()
	var answered atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(span)
	for range connections {
		wg.Go(func() {
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			answers := bufio.NewReader(conn)
			for time.Now().Before(end) {
				fmt.Fprintf(conn, "GET /api/v1/mailboxes/box%d@pec.example HTTP/1.1\r\n"+
					"Host: id.example\r\nAuthorization: Bearer token%d\r\n\r\n",
					1+rand.IntN(l.mailboxes), rand.IntN(webmails))
				res, err := http.ReadResponse(answers, nil)
				if err != nil || res.StatusCode != http.StatusOK {
					b.Error(err, res)
					return
				}
				io.Copy(io.Discard, res.Body)
				answered.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(answered.Load()) / span.Seconds()
}
