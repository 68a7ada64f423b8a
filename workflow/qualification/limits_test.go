package qualification_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// exhaust uses up a limit for all of its known subjects. It is fully restored after
// span.
func exhaust(t testing.TB, w *storetest.World, limit string, span time.Duration) {
	t.Helper()
	done, err := w.Pool().Exec(t.Context(), `update limits set arrival = $2 where name = $1`, limit, w.Clock.Now().Add(span))
	storetest.Must(t, err)
	if done.RowsAffected() == 0 {
		t.Fatalf("no subject of the limit %s is stored", limit)
	}
}

// wantLimit checks that err is the refusal by a limit, with this wait.
func wantLimit(t testing.TB, w *storetest.World, err error, limit string, wait time.Duration) {
	t.Helper()
	var e *workflow.LimitError
	if !errors.As(err, &e) || e.Limit != limit || !e.Until.Equal(w.Clock.Now().Add(wait)) {
		t.Fatalf("error %v (%+v), want %s for %s", err, e, limit, wait)
	}
}

// wantRefusedWithoutStep checks that a refusal changes nothing, and that the action
// succeeds at the time stated in the error.
func wantRefusedWithoutStep(x *storetest.Journey, limit string, wait time.Duration, do func() error) {
	x.Helper()
	version, mails := x.Case().Qualification.Version, len(x.Mails())
	for range 3 {
		wantLimit(x, x.World, do(), limit, wait)
	}
	if got := x.Case().Qualification.Version; got != version || len(x.Mails()) != mails {
		x.Errorf("%s: version %d and %d mails, want %d and %d", limit, got, len(x.Mails()), version, mails)
	}
	x.Clock.Advance(wait - time.Microsecond)
	wantLimit(x, x.World, do(), limit, time.Microsecond)
	x.Clock.Advance(time.Microsecond)
	x.Must(do())
}

func TestRefusedByLimitIsNotAStep(t *testing.T) {
	t.Run("codes to an address", func(t *testing.T) {
		w := newWorld(t)
		other := w.RecordInState(t, qualification.CodeEntry)
		x := w.RecordInState(t, qualification.Contract)
		exhaust(t, w, "codes_per_address", time.Hour)
		wantRefusedWithoutStep(x, "codes_per_address", 3*time.Minute, func() error {
			return x.Procedure.AcknowledgeContract(x.Context(), x.Visitor, x.Form(), storetest.Notice)
		})
		// The limit belongs to the address, whatever the mailbox. Another address is
		// not limited.
		wantLimit(other, w, other.Procedure.RequestCode(x.Context(), other.Visitor, other.Form()), "codes_per_address", 3*time.Minute)
		x.Must(other.Procedure.RedirectCode(x.Context(), other.Visitor, other.Form(), "altra@mail.example", ""))
	})
	t.Run("codes requested by a network", func(t *testing.T) {
		w := newWorld(t)
		x := w.RecordInState(t, qualification.CodeEntry)
		w.Clock.Advance(time.Minute)
		exhaust(t, w, "codes_per_network", 15*time.Minute)
		wantRefusedWithoutStep(x, "codes_per_network", 1500*time.Millisecond, func() error {
			return x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form())
		})
	})
	t.Run("codes typed by a network", func(t *testing.T) {
		w := newWorld(t)
		w.RecordInState(t, qualification.Qualified)
		x := w.RecordInState(t, qualification.CodeEntry)
		code := x.SendCode()
		exhaust(t, w, "tries_per_network", 15*time.Minute)
		wantRefusedWithoutStep(x, "tries_per_network", 750*time.Millisecond, func() error {
			return x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), code)
		})
	})
	t.Run("invitations to an address by several mailboxes", func(t *testing.T) {
		w := newWorld(t)
		for range 10 {
			w.RecordInState(t, qualification.Invited)
		}
		x := w.RecordInState(t, qualification.HolderInvitation)
		err := x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "Holder@Mail.example")
		wantLimit(x, x.World, err, "invitations_per_address", 144*time.Minute)
		wantRefusedWithoutStep(x, "invitations_per_address", 144*time.Minute, func() error {
			return x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "holder@mail.example")
		})
	})
	t.Run("invitations of a network", func(t *testing.T) {
		w := newWorld(t)
		w.RecordInState(t, qualification.Invited)
		x := w.RecordInState(t, qualification.HolderInvitation)
		exhaust(t, w, "invitations_per_network", time.Hour)
		wantRefusedWithoutStep(x, "invitations_per_network", 18*time.Second, func() error {
			return x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "un.altro@mail.example")
		})
	})
	t.Run("logins of a mailbox", func(t *testing.T) {
		w := newWorld(t)
		x := w.RecordInState(t, qualification.Identification)
		for range 30 {
			_, err := x.StartLogin(x.Visitor)
			x.Must(err)
		}
		wantRefusedWithoutStep(x, "logins_per_mailbox", 2*time.Minute, func() error {
			_, err := x.StartLogin(x.Visitor)
			return err
		})
	})
	t.Run("logins of a network, with test logins", func(t *testing.T) {
		w := newWorld(t)
		x := w.RecordInState(t, qualification.AtProvider)
		exhaust(t, w, "logins_per_network", 15*time.Minute)
		trial := func() error {
			l := workflow.Login{ID: "_" + uuid.NewString(), Provider: storetest.Provider}
			return x.Logins.StartTest(x.Context(), l, []byte("<AuthnRequest/>"), x.Visitor.Address)
		}
		wantLimit(x, x.World, trial(), "logins_per_network", 1500*time.Millisecond)
		wantRefusedWithoutStep(x, "logins_per_network", 1500*time.Millisecond, func() error {
			_, err := x.StartLogin(x.Visitor)
			return err
		})
		wantLimit(x, x.World, trial(), "logins_per_network", 1500*time.Millisecond)
	})
}

// A request that is refused by a limit does not use up its link.
func TestLimitDoesNotUseUpLink(t *testing.T) {
	x := reach(t, qualification.Invited)
	exhaust(t, x.World, "starts_per_network", 15*time.Minute)
	secret, err := x.HandOff(x.Context(), x.Address)
	x.Must(err)
	use := func() error {
		_, err := x.Procedure.Start(x.Context(), secret, workflow.Digest("a browser"), x.Visitor.Address, "request-3")
		return err
	}
	wantRefusedWithoutStep(x, "starts_per_network", 1500*time.Millisecond, use)
	exhaust(t, x.World, "starts_per_network", 15*time.Minute)
	wantRefusedWithoutStep(x, "starts_per_network", 1500*time.Millisecond, func() error {
		_, err := x.Procedure.AcceptInvitation(x.Context(), x.InvitationSecret(), "it", x.Visitor.Address, "request-4")
		return err
	})
}

func TestHandOffsPerMailbox(t *testing.T) {
	w := newWorld(t)
	x, other := w.RecordInState(t, qualification.HolderChoice), w.Record(t, storetest.AnnasRecord)
	handOff := func(address string) error {
		_, err := x.HandOff(t.Context(), address)
		return err
	}
	for range 29 { // and one by RecordInState
		storetest.Must(t, handOff(x.Address))
	}
	wantRefusedWithoutStep(x, "handoffs_per_mailbox", 2*time.Minute, func() error { return handOff(x.Address) })
	storetest.Must(t, handOff(other.Address))
}

// A network is an IPv4 address, in any notation, or an IPv6 /64.
func TestNetworkOfLimits(t *testing.T) {
	x := reach(t, qualification.Identification)
	from := func(address string) error {
		v := x.Visitor
		v.Address = netip.MustParseAddr(address)
		_, err := x.StartLogin(v)
		return err
	}
	x.Must(from("192.0.2.7"))
	x.Must(from("2001:db8:1:2::1"))
	for _, none := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1"} {
		x.Must(from(none))
	}
	exhaust(t, x.World, "logins_per_network", 15*time.Minute)
	for _, same := range []string{"192.0.2.7", "::ffff:192.0.2.7", "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"} {
		wantLimit(x, x.World, from(same), "logins_per_network", 1500*time.Millisecond)
	}
	for _, other := range []string{"192.0.2.8", "2001:db8:1:3::1", "127.0.0.1", "::1", "::ffff:127.0.0.1"} {
		if err := from(other); err != nil {
			t.Errorf("%s: %v", other, err)
		}
	}
}

// The rows of the limits do not identify their subjects.
func TestLimitRowsContainNoPersonalData(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	var rows, readable int
	x.Must(x.Pool().QueryRow(x.Context(), `
		select count(*), count(*) filter (where convert_from(subject, 'LATIN1') ~ '(192|pec|mail)' or length(subject) <> 16)
		from limits`).Scan(&rows, &readable))
	if rows < 4 || readable > 0 {
		t.Errorf("%d rows, of which %d identify their subject", rows, readable)
	}
	// A network has a different subject in each limit, so the rows cannot be linked.
	var subjects int
	x.Must(x.Pool().QueryRow(x.Context(), `select count(distinct subject) from limits`).Scan(&subjects))
	if subjects != rows {
		t.Errorf("%d rows have %d distinct subjects", rows, subjects)
	}
}

func TestEarlyRequestSendsNothing(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	before := len(x.Mails())
	for range 5 {
		x.Clock.Advance(3 * time.Second)
		var wait *qualification.CodeError
		if err := x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form()); !errors.As(err, &wait) || wait.Code != "resend_wait" {
			t.Errorf("another request: error %v, want resend_wait", err)
		}
	}
	if n := len(x.Mails()) - before; n != 0 {
		t.Errorf("%d mails were requested", n)
	}
	// The refused requests spent nothing of the limit of the address.
	var spent time.Time
	x.Must(x.Pool().QueryRow(x.Context(), `select arrival from limits where name = 'codes_per_address'`).Scan(&spent))
	if want := storetest.NewClock().Now().Add(3 * time.Minute); !spent.Equal(want) {
		t.Errorf("arrival time %s, want %s: one code", spent, want)
	}
}
