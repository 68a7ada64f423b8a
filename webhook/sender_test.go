package webhook_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stella/client"
	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// A webhook receives the same event as the feed contains, signed as Standard
// Webhooks requires. The mailbox's address is its only personal data.
func TestAnEventIsSigned(t *testing.T) {
	w := newWorld(t)
	w.InRealTime()
	r := w.newReceiver()
	j := w.RecordInState(t, qualification.Rejected)
	w.work(r)
	all := r.received()
	if len(all) != 2 {
		t.Fatalf("%d requests, want 2", len(all))
	}
	got := all[1]
	feed := w.feed()
	if len(feed) != 2 || all[0].event != feed[0] || all[1].event != feed[1] {
		t.Fatalf("the webhook gets %+v, the feed has %+v", []client.Event{all[0].event, all[1].event}, feed)
	}
	q := j.Case().Qualification
	want := client.Event{
		ID:        feed[1].ID,
		Type:      client.EventRejected,
		Timestamp: q.SteppedAt.UTC(),
		Data: client.EventData{
			Mailbox: j.Address,
			Case:    q.Number,
			State:   client.StateRejected,
			Show:    client.ShowBanner,
			Reason:  "holder_differs",
		},
	}
	if got.event != want {
		t.Errorf("the event is %+v, want %+v", got.event, want)
	}
	if got.Get("webhook-id") != want.ID || got.Get("Content-Type") != "application/json" {
		t.Errorf("the headers are %v", got.Header)
	}
	for _, personal := range []string{"Neri", "Anna", storetest.Anna, storetest.Sara, "@mail.example"} {
		if bytes.Contains(got.body, []byte(personal)) {
			t.Errorf("the event contains %s: %s", personal, got.body)
		}
	}
	reader, err := standardwebhooks.NewWebhook(r.secret)
	storetest.Must(t, err)
	if err := reader.Verify(got.body, got.Header); err != nil {
		t.Errorf("Standard Webhooks: %v", err)
	}
	request := func(body []byte) *http.Request {
		req := httptest.NewRequest("POST", "/hooks", bytes.NewReader(body))
		req.Header = got.Header
		return req
	}
	if e, err := client.ReadWebhook(request(got.body), r.secret); err != nil || *e != want {
		t.Errorf("package client reads %+v (%v)", e, err)
	}
	forged := bytes.Replace(got.body, []byte(`"banner"`), []byte(`"star"`), 1)
	if _, err := client.ReadWebhook(request(forged), r.secret); err != client.ErrSignature {
		t.Errorf("a forged event: %v", err)
	}
	old := time.Now().Add(-6 * time.Minute)
	signature, err := reader.Sign(want.ID, old, got.body)
	storetest.Must(t, err)
	again := request(got.body)
	again.Header = http.Header{
		"Webhook-Id":        {want.ID},
		"Webhook-Timestamp": {strconv.FormatInt(old.Unix(), 10)},
		"Webhook-Signature": {signature},
	}
	if _, err := client.ReadWebhook(again, r.secret); err != client.ErrSignature {
		t.Errorf("an event of six minutes ago: %v", err)
	}
	if d := w.deliveries(r); len(d) != 2 || d[1].Ended != "delivered" || d[1].Outcome != "204 No Content" || d[1].Attempts != 1 {
		t.Errorf("the deliveries are %+v", d)
	}
}

// The database does not contain the secrets of webhooks, so a person who can read
// it cannot sign events.
func TestNoSecretIsStored(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	w.RecordInState(t, qualification.HolderChoice)
	var rows string
	storetest.Must(t, w.Pool().QueryRow(t.Context(),
		`select string_agg(w::text, ' ') || (select string_agg(args::text, ' ') from river_job) from webhooks w`).Scan(&rows))
	if strings.Contains(rows, strings.TrimPrefix(r.secret, "whsec_")) || !strings.Contains(rows, `{"webhook": 1}`) {
		t.Errorf("the rows are %s", rows)
	}
	if !strings.HasPrefix(r.secret, "whsec_") || len(r.secret) != 50 {
		t.Errorf("the secret is %q", r.secret)
	}
}

// A webhook gets the events of its client's domains, of the kinds that it was
// added for, while the webhook and the client are enabled.
func TestWhichWebhooksGetAnEvent(t *testing.T) {
	w := newWorld(t)
	all, stars, off := w.newReceiver(), w.newReceiver(workflow.AnnounceCompleted, workflow.AnnounceRevoked), w.newReceiver()
	storetest.Must(t, w.DisableWebhook(t.Context(), off.id, workflow.DisabledByOperator, w.Clock.Now()))
	other := workflow.Client{Name: "other", Domains: []string{"altrove.example"}, Scopes: []workflow.Scope{workflow.ScopeWebmail}}
	storetest.Must(t, w.AddClient(t.Context(), other, workflow.Digest("other"), w.Clock.Now()))
	_, _, err := w.Provider.AddWebhook(t.Context(), "other", all.URL+"/other", nil)
	storetest.Must(t, err)
	j := w.RecordInState(t, qualification.Revoked)
	var jobs int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from river_job where kind = 'deliver'`).Scan(&jobs))
	if jobs != 5 {
		t.Errorf("%d jobs, want one for each of 3 and 2 deliveries", jobs)
	}
	for _, r := range []*receiver{all, stars, off} {
		w.work(r)
	}
	want := []client.EventType{client.EventStarted, client.EventCompleted, client.EventRevoked}
	if got := all.types(j.Address); !slices.Equal(got, want) {
		t.Errorf("the webhook for all events got %v, want %v", got, want)
	}
	if got := stars.types(j.Address); !slices.Equal(got, want[1:]) {
		t.Errorf("the webhook for stars got %v, want %v", got, want[1:])
	}
	if len(off.received()) != 0 || len(w.deliveries(off)) != 0 {
		t.Errorf("the disabled webhook got %v", off.received())
	}
	qualified := w.RecordInState(t, qualification.Qualified)
	_, err = w.Pool().Exec(t.Context(), `update clients set disabled_at = now()`)
	storetest.Must(t, err)
	qualified.AdvanceTo(qualification.Revoked)
	w.work(all)
	if n := w.outcomes(all); n["delivered"] != 3 || n["waiting"] != 2 {
		t.Errorf("after the client was disabled the outcomes are %v", n)
	}
}

// A delivery is committed with its step: if the step is not committed, there is no
// delivery.
func TestADeliveryIsCommittedWithItsStep(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	j := w.Record(t, storetest.AnnasRecord).AdvanceTo(qualification.HolderInvitation)
	before := len(w.deliveries(r))
	err := w.Update(t.Context(), j.Mailbox, func(c *qualification.Case) error {
		q := c.Qualification
		q.Version++
		q.State = qualification.Qualified // without a star, so the database refuses the commit
		c.Added = append(c.Added,
			qualification.Step{
				Qualification: q.ID,
				Version:       q.Version,
				Event:         qualification.CodeRight,
				From:          qualification.CodeEntry,
				To:            qualification.Qualified,
				At:            c.Now,
				Actor:         workflow.Actor{Kind: workflow.BySystem},
			},
			workflow.Announcement{
				ID:      q.ID,
				Kind:    workflow.AnnounceCompleted,
				Mailbox: j.Mailbox,
				Subject: q.ID,
				Version: q.Version,
				Active:  true,
				At:      w.Clock.Now(),
			})
		return nil
	})
	if err == nil || len(w.deliveries(r)) != before {
		t.Errorf("a step that was not committed (%v) has a delivery: %+v", err, w.deliveries(r))
	}
}

// During a rotation events are signed with both secrets, and a day later only with
// the new one.
func TestASecretIsRotated(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	w.Clock.Advance(time.Hour)
	secret, err := w.Provider.RotateWebhook(t.Context(), r.id, w.Clock.Now().Add(24*time.Hour))
	storetest.Must(t, err)
	for _, test := range []struct {
		after         time.Duration
		previous, new bool
	}{{0, true, true}, {24*time.Hour - time.Second, true, true}, {time.Second, false, true}} {
		w.Clock.Advance(test.after)
		w.RecordInState(t, qualification.HolderChoice)
		w.work(r)
		all := r.received()
		last := all[len(all)-1]
		for secret, want := range map[string]bool{r.secret: test.previous, secret: test.new} {
			reader, err := standardwebhooks.NewWebhook(secret)
			storetest.Must(t, err)
			if err := reader.VerifyIgnoringTimestamp(last.body, last.Header); (err == nil) != want {
				t.Errorf("%v later: %v with %q, want %v", test.after, err, last.Get("webhook-signature"), want)
			}
		}
	}
}

// The events of a mailbox are delivered in order, even if a delivery fails. Events
// of other mailboxes do not wait for it.
func TestEventsOfAMailboxAreDeliveredInOrder(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	a := w.RecordInState(t, qualification.Invited) // started, invited
	failing := true
	r.answers(func(got received, h http.ResponseWriter) {
		if failing && got.event.Data.Mailbox == a.Address {
			h.WriteHeader(http.StatusInternalServerError)
		}
	})
	w.work(r)
	b := w.RecordInState(t, qualification.Invited)
	w.work(r)
	if got := r.types(a.Address); !slices.Equal(got, []client.EventType{client.EventStarted}) {
		t.Errorf("after a failure the next event of the mailbox was sent: %v", got)
	}
	want := []client.EventType{client.EventStarted, client.EventInvited}
	if got := r.types(b.Address); !slices.Equal(got, want) {
		t.Errorf("the events of another mailbox are %v, want %v", got, want)
	}
	failing = false
	w.Clock.Advance(time.Minute)
	w.work(r)
	want = []client.EventType{client.EventStarted, client.EventStarted, client.EventInvited}
	if got := r.types(a.Address); !slices.Equal(got, want) {
		t.Errorf("after the repetition: %v, want %v", got, want)
	}
	// After a delivery is given up, the next event of its mailbox is sent.
	failing = true
	w.Clock.Advance(time.Minute)
	c := w.RecordInState(t, qualification.HolderChoice)
	r.answers(func(got received, h http.ResponseWriter) {
		if got.event.Data.Mailbox == c.Address && got.event.Type == client.EventStarted {
			h.WriteHeader(http.StatusInternalServerError)
		}
	})
	w.work(r)
	w.Clock.Advance(73 * time.Hour)
	w.RecordInState(t, qualification.HolderChoice)
	c.AdvanceTo(qualification.Invited)
	w.work(r)
	w.Clock.Advance(15 * time.Minute)
	w.work(r)
	if got := r.types(c.Address); len(got) != 3 || got[2] != client.EventInvited {
		t.Errorf("after one was given up: %v", got)
	}
	if n := w.outcomes(r); n["given up"] != 1 || n["waiting"] != 0 {
		t.Errorf("the outcomes are %v", n)
	}
	if text := w.log.String(); strings.Count(text, "is given up") != 1 {
		t.Errorf("this is not logged exactly once: %s", text)
	}
}

// If an instance crashes during a delivery, another instance repeats it after the
// claim has expired, with the same webhook-id.
func TestADeliveryIsRepeatedAfterACrash(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	w.RecordInState(t, qualification.HolderChoice)
	// It crashes before it records the result: only the claim is left.
	_, d, err := w.ClaimDelivery(t.Context(), r.id, w.Clock.Now(), w.Clock.Now().Add(20*time.Second), 4)
	storetest.Must(t, err)
	w.work(r)
	if len(r.received()) != 0 {
		t.Error("a claimed delivery was sent by another instance")
	}
	w.Clock.Advance(21 * time.Second)
	w.work(r)
	if all := r.received(); len(all) != 1 || all[0].Get("webhook-id") != d.EventPayload.ID.String() {
		t.Errorf("the receiver got %+v", all)
	}
	// If the first instance was only slow, its late result does not replace the
	// result that the other recorded.
	storetest.Must(t, w.DeliveryFailed(t.Context(), d, "no answer in time", w.Clock.Now(), w.Clock.Now(), w.Clock.Now()))
	if got := w.deliveries(r)[0]; got.Ended != "delivered" || got.Attempts != 2 {
		t.Errorf("the delivery is %+v", got)
	}
}

// An operator can repeat any delivery, even one that was accepted.
func TestAnOperatorRepeatsADelivery(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	w.RecordInState(t, qualification.Invited)
	w.work(r)
	d := w.deliveries(r)
	n, err := w.Redeliver(t.Context(), r.id, d[1].ID, w.Clock.Now())
	if err != nil || n != 1 {
		t.Fatalf("%d (%v)", n, err)
	}
	if n, err = w.Redeliver(t.Context(), r.id, 0, w.Clock.Now()); err != nil || n != 0 {
		t.Errorf("nothing was given up, but %d are repeated (%v)", n, err)
	}
	w.work(r)
	all := r.received()
	if len(all) != 3 || !bytes.Equal(all[2].body, all[1].body) || all[2].Get("webhook-id") != all[1].Get("webhook-id") {
		t.Errorf("the receiver got %+v", all)
	}
	if _, err := w.Redeliver(t.Context(), 4711, 0, w.Clock.Now()); err == nil {
		t.Error("deliveries of a webhook that does not exist are repeated")
	}
	if all, err := w.Deliveries(t.Context(), store.DeliveryFilter{Waiting: true, Limit: 10}); err != nil || len(all) != 0 {
		t.Errorf("waiting: %v (%v)", all, err)
	}
}
