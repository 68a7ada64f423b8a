package workflow_test

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
)

// exhaust lets nothing be left of a limit that was touched before, for all whom
// it counts; the whole is there again after span.
func (w *world) exhaust(limit string, span time.Duration) {
	w.t.Helper()
	done, err := w.db.Pool().Exec(w.ctx, `update limits set arrival = $2 where name = $1`, limit, w.clock.Now().Add(span))
	w.must(err)
	if done.RowsAffected() == 0 {
		w.t.Fatalf("nothing was counted for %s", limit)
	}
}

// limited checks that a limit refuses something, and for how long.
func (w *world) limited(err error, limit string, wait time.Duration) {
	w.t.Helper()
	var e *workflow.LimitError
	if !errors.As(err, &e) || e.Limit != limit || !e.Until.Equal(w.clock.Now().Add(wait)) {
		w.t.Fatalf("%v (%+v), want %s for %s", err, e, limit, wait)
	}
}

// unmoved checks that a refusal left nothing behind, and that all goes on when
// the time has come that it told.
func (x *walk) unmoved(limit string, wait time.Duration, do func() error) {
	x.t.Helper()
	version, mails := x.view().Qualification.Version, len(x.mails())
	for range 3 {
		x.limited(do(), limit, wait)
	}
	if got := x.view().Qualification.Version; got != version || len(x.mails()) != mails {
		x.t.Errorf("%s: version %d, %d mails, want %d and %d", limit, got, len(x.mails()), version, mails)
	}
	x.clock.Advance(wait - time.Microsecond)
	x.limited(do(), limit, time.Microsecond)
	x.clock.Advance(time.Microsecond)
	x.must(do())
}

func TestWhatALimitRefusesIsNoStep(t *testing.T) {
	t.Parallel()
	t.Run("codes to an address", func(t *testing.T) {
		w := newWorldIn(t)
		other := w.begin(personRecord).to(workflow.CodeEntry)
		x := w.begin(personRecord).to(workflow.Contract)
		w.exhaust("codes_per_address", time.Hour)
		x.unmoved("codes_per_address", 3*time.Minute, func() error { return x.p.AcknowledgeContract(x.ctx, x.v, x.form(), "d1") })
		// It is the address that had enough, whoever asks; another one has not.
		other.limited(other.p.RequestCode(x.ctx, other.v, other.form()), "codes_per_address", 3*time.Minute)
		x.must(other.p.RedirectCode(x.ctx, other.v, other.form(), "altra@mail.example", ""))
	})
	t.Run("codes asked for by a network", func(t *testing.T) {
		w := newWorldIn(t)
		x := w.begin(personRecord).to(workflow.CodeEntry)
		w.clock.Advance(time.Minute)
		w.exhaust("codes_per_network", 15*time.Minute)
		x.unmoved("codes_per_network", 1500*time.Millisecond, func() error { return x.p.RequestCode(x.ctx, x.v, x.form()) })
	})
	t.Run("tries of a network", func(t *testing.T) {
		w := newWorldIn(t)
		x := w.begin(personRecord).to(workflow.CodeEntry)
		x.must(x.p.TypeCode(x.ctx, x.v, x.form(), x.code()))
		x = w.begin(personRecord).to(workflow.CodeEntry)
		w.exhaust("tries_per_network", 15*time.Minute)
		x.unmoved("tries_per_network", 750*time.Millisecond, func() error { return x.p.TypeCode(x.ctx, x.v, x.form(), x.code()) })
	})
	t.Run("invitations to an address, of different mailboxes", func(t *testing.T) {
		w := newWorldIn(t)
		for range 10 {
			w.begin(personRecord).to(workflow.Invited)
		}
		x := w.begin(personRecord).to(workflow.HolderInvitation)
		x.limited(x.p.Invite(x.ctx, x.v, x.form(), "Titolare@Mail.example"), "invitations_per_address", 144*time.Minute)
		x.unmoved("invitations_per_address", 144*time.Minute, func() error { return x.p.Invite(x.ctx, x.v, x.form(), "titolare@mail.example") })
	})
	t.Run("invitations of a network", func(t *testing.T) {
		w := newWorldIn(t)
		w.begin(personRecord).to(workflow.Invited)
		x := w.begin(personRecord).to(workflow.HolderInvitation)
		w.exhaust("invitations_per_network", time.Hour)
		x.unmoved("invitations_per_network", 18*time.Second, func() error { return x.p.Invite(x.ctx, x.v, x.form(), "un.altro@mail.example") })
	})
	t.Run("logins of a mailbox", func(t *testing.T) {
		w := newWorldIn(t)
		x := w.begin(personRecord).to(workflow.Identification)
		for range 30 {
			_, err := x.startLogin(x.v)
			x.must(err)
		}
		x.unmoved("logins_per_mailbox", 2*time.Minute, func() error { _, err := x.startLogin(x.v); return err })
	})
	t.Run("logins of a network, trials too", func(t *testing.T) {
		w := newWorldIn(t)
		x := w.begin(personRecord).to(workflow.AtProvider)
		w.exhaust("logins_per_network", 15*time.Minute)
		trial := func() error {
			return x.p.StartTrial(x.ctx, workflow.Login{ID: "_" + uuid.NewString(), Provider: idp}, []byte("<AuthnRequest/>"), x.v.Address)
		}
		x.limited(trial(), "logins_per_network", 1500*time.Millisecond)
		x.unmoved("logins_per_network", 1500*time.Millisecond, func() error { _, err := x.startLogin(x.v); return err })
		x.limited(trial(), "logins_per_network", 1500*time.Millisecond)
	})
}

// What is refused at the door uses no link up.
func TestALinkOutlivesALimit(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Invited)
	x.exhaust("starts_per_network", 15*time.Minute)
	secret, err := x.p.HandOff(x.ctx, x.webmail, x.address, "https://webmail.example/", "it", "user-7")
	x.must(err)
	use := func() error {
		_, err := x.p.Start(x.ctx, secret, workflow.Digest("a browser"), x.v.Address, "request-3")
		return err
	}
	x.unmoved("starts_per_network", 1500*time.Millisecond, use)
	x.exhaust("starts_per_network", 15*time.Minute)
	x.unmoved("starts_per_network", 1500*time.Millisecond, func() error {
		_, err := x.p.AcceptInvitation(x.ctx, x.invitationSecret(), "it", x.v.Address, "request-4")
		return err
	})
}

func TestHandOffsOfAMailboxAreBounded(t *testing.T) {
	w := newWorld(t)
	x, other := w.begin(personRecord), w.begin(personRecord)
	handOff := func(address string) error {
		_, err := w.p.HandOff(w.ctx, w.webmail, address, "https://webmail.example/", "it", "user-7")
		return err
	}
	for range 29 { // and that of the beginning
		w.must(handOff(x.address))
	}
	x.unmoved("handoffs_per_mailbox", 2*time.Minute, func() error { return handOff(x.address) })
	w.must(handOff(other.address))
}

// A network is an IPv4 address, however it is written, or an IPv6 /64.
func TestWhatANetworkIs(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Identification)
	from := func(address string) error {
		v := x.v
		v.Address = netip.MustParseAddr(address)
		_, err := x.startLogin(v)
		return err
	}
	x.must(from("192.0.2.7"))
	x.must(from("2001:db8:1:2::1"))
	for _, none := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1"} {
		x.must(from(none))
	}
	x.exhaust("logins_per_network", 15*time.Minute)
	for _, same := range []string{"192.0.2.7", "::ffff:192.0.2.7", "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"} {
		x.limited(from(same), "logins_per_network", 1500*time.Millisecond)
	}
	for _, other := range []string{"192.0.2.8", "2001:db8:1:3::1", "127.0.0.1", "::1", "::ffff:127.0.0.1"} {
		if err := from(other); err != nil {
			t.Errorf("%s: %v", other, err)
		}
	}
}

// The database holds nothing by which a row's subject is known.
func TestLimitsHoldNoPersonalData(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	var rows, telling int
	x.must(x.db.Pool().QueryRow(x.ctx, `
		select count(*), count(*) filter (where convert_from(subject, 'LATIN1') ~ '(anna|192|pec|mail)' or length(subject) <> 16)
		from limits`).Scan(&rows, &telling))
	if rows < 4 || telling > 0 {
		t.Errorf("%d rows, %d of which tell", rows, telling)
	}
	// One network spends of several limits; that it is one cannot be told.
	x.must(x.db.Pool().QueryRow(x.ctx, `select count(distinct subject) from limits`).Scan(&telling))
	if telling != rows {
		t.Errorf("%d rows have %d subjects", rows, telling)
	}
}

// calls asks for a mailbox so many times at once, and counts what is answered.
func calls(w *world, p *workflow.Procedure, times int) (answered, refused int32) {
	var all sync.WaitGroup
	var yes, no atomic.Int32
	for range 8 {
		all.Go(func() {
			for range times / 8 {
				_, _, err := p.Standing(w.ctx, "token", "nobody@pec.example")
				var limit *workflow.LimitError
				switch {
				case errors.Is(err, workflow.ErrUnknown):
					yes.Add(1)
				case errors.As(err, &limit):
					no.Add(1)
				default:
					w.t.Error(err)
				}
			}
		})
	}
	all.Wait()
	return yes.Load(), no.Load()
}

func TestInstancesCountCallsTogether(t *testing.T) {
	w := newWorld(t)
	one, two := w.another(), w.another()
	if yes, no := calls(w, one, 80); yes != 80 || no != 0 {
		t.Fatalf("%d answered, %d refused", yes, no)
	}
	count := func() (left int) {
		w.must(w.db.Pool().QueryRow(w.ctx, `select extract(epoch from arrival - $1) * 500 from limits where name = 'calls_per_client'`, w.clock.Now()).Scan(&left))
		return left
	}
	if n := count(); n != 100 { // 80 calls, one write
		t.Fatalf("%d calls are counted, want the hundred leased", n)
	}
	// All but 300: the first has 20 of its own, and of these each may take.
	_, err := w.db.Pool().Exec(w.ctx, `update limits set arrival = $1 where name = 'calls_per_client'`, w.clock.Now().Add(time.Minute-600*time.Millisecond))
	w.must(err)
	yes2, no2 := calls(w, two, 160)
	yes1, no1 := calls(w, one, 400)
	if yes1 != 120 || yes2 != 160 || no1 != 280 || no2 != 0 {
		t.Errorf("answered %d and %d, refused %d and %d", yes1, yes2, no1, no2)
	}
	_, _, err = one.Standing(w.ctx, "token", "nobody@pec.example")
	w.limited(err, "calls_per_client", 200*time.Millisecond)
	// Until then it asks nobody: a flood does not reach the database's limits.
	_, err = w.db.Pool().Exec(w.ctx, `update limits set arrival = $1 where name = 'calls_per_client'`, w.clock.Now())
	w.must(err)
	if yes, no := calls(w, one, 80); yes != 0 || no != 80 {
		t.Errorf("%d answered, %d refused", yes, no)
	}
	_, err = w.db.Pool().Exec(w.ctx, `update limits set arrival = $1 where name = 'calls_per_client'`, w.clock.Now().Add(time.Minute))
	w.must(err)
	// It goes on when it was told to, or when the clock goes back far.
	w.clock.Advance(200 * time.Millisecond)
	if yes, no := calls(w, one, 104); yes != 100 || no != 4 {
		t.Errorf("%d answered, %d refused", yes, no)
	}
	w.clock.Advance(-24 * time.Hour)
	if yes, no := calls(w, one, 80); yes != 80 || no != 0 {
		t.Errorf("%d answered, %d refused: yesterday waits for tomorrow", yes, no)
	}
}

// Calls that were leased and not used are not kept for a better day.
func TestALeaseEnds(t *testing.T) {
	w := newWorld(t)
	calls(w, w.p, 8)
	w.clock.Advance(time.Minute)
	calls(w, w.p, 8)
	var spent float64
	w.must(w.db.Pool().QueryRow(w.ctx, `select extract(epoch from arrival - $1) * 500 from limits where name = 'calls_per_client'`, w.clock.Now()).Scan(&spent))
	if spent != 100 {
		t.Errorf("%v calls are counted, want another lease", spent)
	}
}

func TestAskingAgainTooSoonSendsNothing(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	before := len(x.mails())
	for range 5 {
		x.clock.Advance(3 * time.Second)
		var wait *workflow.CodeError
		if err := x.p.RequestCode(x.ctx, x.v, x.form()); !errors.As(err, &wait) || wait.Code != "resend_wait" {
			t.Errorf("asked again: %v", err)
		}
	}
	if n := len(x.mails()) - before; n != 0 {
		t.Errorf("%d mails were asked for", n)
	}
	// And what was refused spent nothing of what the address may be sent.
	var spent time.Time
	x.must(x.db.Pool().QueryRow(x.ctx, `select arrival from limits where name = 'codes_per_address'`).Scan(&spent))
	if want := storetest.NewClock().Now().Add(3 * time.Minute); !spent.Equal(want) {
		t.Errorf("spent until %s, want %s: one code", spent, want)
	}
}
