package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"stella/client"
	"stella/cmd/stella/programtest"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

// receiver is a receiver of webhooks. If n is not zero, it delays its answers from the
// nth event on until it is released.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	secret string
	events map[string]int // number of requests, by the event's mailbox

	held    chan struct{}
	release func()
}

func startReceiver(t *testing.T, n int) *receiver {
	t.Helper()
	r := &receiver{events: map[string]int{}, held: make(chan struct{})}
	r.release = sync.OnceFunc(func() { close(r.held) })
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		e, err := client.ReadWebhook(request, r.secret)
		if err != nil {
			t.Error(err)
		} else {
			r.events[e.Data.Mailbox]++
		}
		hold := n > 0 && len(r.events) >= n
		r.mu.Unlock()
		if hold {
			<-r.held
		}
	}))
	t.Cleanup(r.Close)
	t.Cleanup(r.release)
	return r
}

// counts returns the number of events that arrived, and of requests.
func (r *receiver) counts() (events, requests int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.events {
		requests += n
	}
	return len(r.events), requests
}

// openDeliveries returns the number of deliveries that are not made yet.
func openDeliveries(t *testing.T, w *storetest.World) (n int) {
	t.Helper()
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from deliveries where open`).Scan(&n))
	return n
}

// If the service is killed during deliveries, none is lost. Only those that were
// running are made twice.
func TestKilledServiceDeliversEverything(t *testing.T) {
	t.Parallel()
	const events, atOnce = 24, 4
	c := programtest.GoodConfig(t)
	c.URL, c.WebhookAllow = storetest.URL(t), []string{"127.0.0.0/8"}
	w := worldOf(t, c.URL)
	r := startReceiver(t, events/4)
	var err error
	_, r.secret, err = w.Provider.AddWebhook(t.Context(), storetest.Webmail, r.URL, nil)
	storetest.Must(t, err)
	for range events {
		w.RecordInState(t, qualification.HolderChoice)
	}
	s := startService(t, c)
	storetest.Eventually(t, "some events are delivered", func() bool { n, _ := r.counts(); return n >= events/4 })
	storetest.Must(t, s.Process.Kill())
	<-s.ended
	r.release()
	// Its claims expire after 20 seconds, and its leadership of the queue after 15.
	for _, expire := range []string{
		`update deliveries set claimed_until = now() - interval '1 second' where claimed_until is not null`,
		`delete from river_leader`,
	} {
		_, err := w.Pool().Exec(t.Context(), expire)
		storetest.Must(t, err)
	}
	startService(t, c)
	storetest.Eventually(t, "all deliveries are made", func() bool { return openDeliveries(t, w) == 0 })
	arrived, requests := r.counts()
	if twice := requests - arrived; arrived != events || twice > atOnce {
		t.Errorf("%d of %d events arrived, %d of them twice", arrived, events, twice)
	}
}

// If an import is killed, the next one completes it. Nothing is done twice: there is
// one record for each change, and each star is revoked once.
func TestKilledImportIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	const many = 20_000
	w := storetest.NewWorld(t).InRealTime()
	var lines strings.Builder
	lines.WriteString(header)
	var stars []*storetest.Journey
	for n := range many {
		fmt.Fprintf(&lines, "m%d@%s,,,,,,active\n", n, storetest.Domain)
		if n%(many/3) == 0 { // the file names another holder for this mailbox
			j := w.RecordInState(t, qualification.Qualified)
			stars = append(stars, j)
			fmt.Fprintf(&lines, "%s,person,Sara Verdi,%s,,,active\n", j.Address, storetest.Sara)
		}
	}
	mailboxes := programtest.File(t, "m.csv", []byte(lines.String()))
	env := []string{"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString()}
	count := func(what string) (n int) {
		t.Helper()
		storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from `+what).Scan(&n))
		return n
	}
	half := t.TempDir() + "/half" // a pipe that delivers half of the lines and stays open
	storetest.Must(t, syscall.Mkfifo(half, 0o600))
	killed := program(t, env, "mailbox", "import", half)
	storetest.Must(t, killed.Start())
	pipe, err := os.OpenFile(half, os.O_RDWR, 0)
	storetest.Must(t, err)
	defer pipe.Close()
	go pipe.WriteString(lines.String()[:lines.Len()/2])
	storetest.Eventually(t, "some lines are imported", func() bool { return count("mailboxes") > len(stars) })
	storetest.Must(t, killed.Process.Kill())
	killed.Wait()
	again := stella(t, env, "mailbox", "import", mailboxes) // prints its progress if it takes long
	if again.status != 0 || !strings.Contains(again.out, " made\n") || !strings.Contains(again.out, " unchanged\n") {
		t.Errorf("the next import: %+v", again)
	}
	for what, want := range map[string]int{
		"mailboxes": many + len(stars),
		"records":   many + 2*len(stars),
		"(select distinct mailbox_id from records) r": many + len(stars),
		"steps where event = 'revoked'":               len(stars),
		"mails where kind = 'revoked'":                2 * len(stars), // to the holder and to the mailbox
		"mailboxes where star is not null":            0,
	} {
		if n := count(what); n != want {
			t.Errorf("%d %s, want %d", n, what, want)
		}
	}
}
