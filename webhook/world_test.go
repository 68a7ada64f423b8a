package webhook_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"stella/api"
	"stella/client"
	"stella/store"
	"stella/store/storetest"
	"stella/webhook"
	"stella/workflow"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

// world is a test world with a sender for its events. Its webhooks are called only
// by work, or by the queue after start.
type world struct {
	*storetest.World
	t      *testing.T
	sender *webhook.Sender
	log    *storetest.Log
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{World: storetest.NewWorld(t), t: t, log: &storetest.Log{}}
	w.sender = w.newSender()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log: %s", w.log)
		}
	})
	return w
}

func (w *world) newSender() *webhook.Sender {
	return &webhook.Sender{
		Outbox:    w.Store,
		Deliverer: &webhook.Deliverer{Keys: storetest.Keys, Allow: loopback, Roots: x509.NewCertPool()},
		Now:       w.Clock.Now,
		Log:       slog.New(slog.NewTextHandler(w.log, nil)),
	}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// received is a request that a receiver got.
type received struct {
	http.Header
	body  []byte
	event client.Event
}

// receiver is the server of a webhook. It answers 204, unless answers sets another
// response.
type receiver struct {
	*httptest.Server
	id     int64 // of the webhook
	secret string

	mu     sync.Mutex
	all    []received
	answer func(received, http.ResponseWriter)
	open   int // requests being answered now
	most   int // the largest value of open
}

// newReceiver adds a webhook for the world's webmail, for some kinds of events, or
// for all if kinds is empty.
func (w *world) newReceiver(kinds ...workflow.AnnouncementKind) *receiver {
	w.t.Helper()
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(r)
	r.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	r.StartTLS()
	w.t.Cleanup(r.Close)
	w.sender.Deliverer.Roots.AddCert(r.Certificate())
	var err error
	r.id, r.secret, err = w.Provider.AddWebhook(w.t.Context(), storetest.Webmail, r.URL+"/hooks?from=stella", kinds)
	storetest.Must(w.t, err)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	got := received{Header: req.Header.Clone()}
	got.body, _ = io.ReadAll(req.Body)
	json.Unmarshal(got.body, &got.event)
	r.mu.Lock()
	r.all = append(r.all, got)
	r.open++
	r.most = max(r.most, r.open)
	answer := r.answer
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.open--
	}()
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(got, w)
}

// answers sets the response of the receiver from now on; nil restores 204.
func (r *receiver) answers(how func(received, http.ResponseWriter)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = how
}

func status(code int) func(received, http.ResponseWriter) {
	return func(_ received, w http.ResponseWriter) { w.WriteHeader(code) }
}

func (r *receiver) received() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// maxConcurrent returns the largest number of requests that were open at once.
func (r *receiver) maxConcurrent() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.most
}

// types returns the types of the events that were received for a mailbox, in order.
func (r *receiver) types(mailbox string) (all []client.EventType) {
	for _, got := range r.received() {
		if got.event.Data.Mailbox == mailbox {
			all = append(all, got.event.Type)
		}
	}
	return all
}

// feed returns the events that the API returns to the webmail.
func (w *world) feed() []client.Event {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.log, nil))
	s := api.Server{Provider: w.Provider, Cases: w.Cases, PublicURL: "https://id.example", IsUnavailable: store.IsUnavailable, Log: log}
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	page, err := (&client.Client{URL: server.URL, Token: storetest.Token}).Events(w.t.Context(), "", client.EventFilter{})
	storetest.Must(w.t, err)
	return page.Events
}

// work runs the jobs of a webhook until none of its deliveries is due.
func (w *world) work(r *receiver) {
	w.t.Helper()
	for before := -1; before != w.jobs(r); {
		before = w.jobs(r)
		storetest.Must(w.t, w.sender.Work(w.t.Context(), job(r))) // adds a job if it stops before the end
	}
}

// jobs returns the number of jobs that were added for a webhook.
func (w *world) jobs(r *receiver) (n int) {
	w.t.Helper()
	storetest.Must(w.t, w.Pool().QueryRow(w.t.Context(),
		`select count(*) from river_job where args = jsonb_build_object('webhook', $1::bigint)`, r.id).Scan(&n))
	return n
}

func job(r *receiver) *river.Job[workflow.Deliver] {
	return &river.Job[workflow.Deliver]{JobRow: &rivertype.JobRow{}, Args: workflow.Deliver{Webhook: r.id}}
}

// deliveries returns the stored deliveries of a webhook, oldest first.
func (w *world) deliveries(r *receiver) []workflow.Delivery {
	w.t.Helper()
	all, err := w.Deliveries(w.t.Context(), store.DeliveryFilter{Webhook: r.id, Limit: 10_000})
	storetest.Must(w.t, err)
	return all
}

// outcomes returns how many deliveries of a webhook have each result.
func (w *world) outcomes(r *receiver) map[string]int {
	n := map[string]int{}
	for _, d := range w.deliveries(r) {
		n[d.Ended]++
	}
	return n
}

func (w *world) webhook(r *receiver) workflow.Webhook {
	w.t.Helper()
	all, err := w.Webhooks(w.t.Context())
	storetest.Must(w.t, err)
	for _, x := range all {
		if x.ID == r.id {
			return x.Webhook
		}
	}
	w.t.Fatalf("there is no webhook %d", r.id)
	return workflow.Webhook{}
}

// start runs the queue as an instance does, until the test ends.
func (w *world) start(s *webhook.Sender) {
	w.t.Helper()
	workers := river.NewWorkers()
	river.AddWorker(workers, s)
	river.AddWorker(workers, &webhook.Waker{Outbox: w.Store, Now: s.Now})
	queues := webhook.Queues()
	queues[river.QueueDefault] = river.QueueConfig{MaxWorkers: 1}
	queue, err := river.NewClient(riverpgxv5.New(w.Pool()), &river.Config{
		Queues: queues, Workers: workers, FetchCooldown: 5 * time.Millisecond, FetchPollInterval: 10 * time.Second,
		JobTimeout: webhook.JobTimeout, RescueStuckJobsAfter: webhook.JobTimeout,
		PeriodicJobs: []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(webhook.WakeEvery),
			func() (river.JobArgs, *river.InsertOpts) { return workflow.WakeWebhooks{}, nil }, &river.PeriodicJobOpts{RunOnStart: true})},
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	storetest.Must(w.t, err)
	storetest.Must(w.t, queue.Start(w.t.Context()))
	w.t.Cleanup(func() {
		if err := queue.StopAndCancel(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
}
