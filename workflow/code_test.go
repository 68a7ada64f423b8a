package workflow_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"stella/workflow"
)

// refused is the error that tells why a code was not taken or sent.
func (x *walk) refused(err error, code string) *workflow.CodeError {
	x.t.Helper()
	var e *workflow.CodeError
	if !errors.As(err, &e) || e.Code != code {
		x.t.Fatalf("the answer is %v, want %s", err, code)
	}
	return e
}

func (x *walk) codePage() workflow.CodePage { return x.p.CodePage(x.view()) }

func (x *walk) typeCode(code string) error { return x.p.TypeCode(x.ctx, x.v, x.form(), code) }

func TestTheRightCodeQualifiesTheMailbox(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	code := x.code()
	x.must(x.typeCode(code[:3] + " " + code[3:]))
	x.want(workflow.Qualified)
	m := x.view().Mailbox
	if m.Star == nil || m.Ordinary != "anna.neri@mail.example" {
		t.Errorf("star %v, ordinary address %q", m.Star, m.Ordinary)
	}
	want := []string{"code anna.neri@mail.example", "qualified anna.neri@mail.example", "qualified_pec " + x.address}
	if got := x.mails(); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
}

// The 60 seconds run from the moment the relay accepted the mail.
func TestACodeLivesSixtySeconds(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Contract)
	x.must(x.p.AcknowledgeContract(x.ctx, x.v, x.form(), "d1"))
	if s := x.codePage().Status; s != workflow.CodeSending {
		t.Errorf("before the relay has it: %s", s)
	}
	x.clock.Advance(10 * time.Second)
	x.relayAccepts()
	x.clock.Advance(60*time.Second - 1)
	if page := x.codePage(); page.Status != workflow.CodeSent || page.Expires.Sub(x.clock.Now()) != 1 {
		t.Errorf("in its last moment: %+v", page)
	}
	x.clock.Advance(1)
	if s := x.codePage().Status; s != workflow.CodeExpired {
		t.Errorf("after 60 s: %s", s)
	}
	x.refused(x.typeCode(x.code()), "code_expired")
	x.want(workflow.CodeEntry)

	x.must(x.p.RequestCode(x.ctx, x.v, x.form()))
	x.relayAccepts()
	x.must(x.typeCode(x.code()))
	x.want(workflow.Qualified)
}

func TestACodeWhoseMailNeverLeftIsDropped(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Contract)
	x.must(x.p.AcknowledgeContract(x.ctx, x.v, x.form(), "d1"))
	x.clock.Advance(workflow.CodeUseful + 1)
	if s := x.codePage().Status; s != workflow.CodeDropped {
		t.Errorf("the page says %s", s)
	}
	x.refused(x.typeCode(x.code()), "code_not_sent")
}

func TestOnlyTheNewestCodeCounts(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	old := x.code()
	x.clock.Advance(20 * time.Second)
	x.must(x.p.RequestCode(x.ctx, x.v, x.form()))
	x.relayAccepts()
	before := x.form()
	x.refused(x.typeCode(old), "code_replaced")
	if x.form() != before {
		t.Error("a replaced code was counted")
	}
	x.must(x.typeCode(x.code()))
	x.want(workflow.Qualified)
}

func TestWrongCodesAreCountedForTheMailbox(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	for left := 4; left >= 2; left-- {
		if e := x.refused(x.typeCode(x.wrongCode()), "code_wrong"); e.Left != left {
			t.Errorf("%d tries left, want %d", e.Left, left)
		}
	}
	// Neither a new code nor a new login gives new tries.
	x.clock.Advance(20 * time.Second)
	x.must(x.p.RequestCode(x.ctx, x.v, x.form()))
	x.v = x.enter("second browser")
	x.must(x.logIn(anna))
	x.must(x.p.ConfirmIdentity(x.ctx, x.v, x.form()))
	x.clock.Advance(20 * time.Second)
	x.must(x.p.AcknowledgeContract(x.ctx, x.v, x.form(), "d1"))
	x.relayAccepts()
	if e := x.refused(x.typeCode(x.wrongCode()), "code_wrong"); e.Left != 1 {
		t.Errorf("%d tries left, want 1", e.Left)
	}
	right := x.code()
	e := x.refused(x.typeCode(x.wrongCode()), "code_paused")
	if e.Until.Sub(x.clock.Now()) != 15*time.Minute {
		t.Errorf("paused for %v", e.Until.Sub(x.clock.Now()))
	}
	x.refused(x.typeCode(right), "code_paused")
	x.refused(x.p.RequestCode(x.ctx, x.v, x.form()), "code_paused")
	if page := x.codePage(); page.Status != workflow.CodePaused || !page.PausedUntil.Equal(e.Until) {
		t.Errorf("the page says %+v", page)
	}

	x.clock.Advance(15 * time.Minute)
	if s := x.codePage().Status; s != workflow.CodeNotAsked {
		t.Errorf("after the pause the page says %s", s)
	}
	x.must(x.p.RequestCode(x.ctx, x.v, x.form()))
	x.relayAccepts()
	if e := x.refused(x.typeCode(x.wrongCode()), "code_wrong"); e.Left != 4 {
		t.Errorf("after the pause %d tries left, want 4", e.Left)
	}
}

func TestWhatIsNoCodeIsNotCounted(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	before := x.form()
	x.refused(x.typeCode(""), "code_missing")
	x.refused(x.typeCode("12345"), "code_malformed")
	x.refused(x.typeCode("abcdef"), "code_malformed")
	if x.form() != before {
		t.Error("something was counted")
	}
}

func TestSendsAreLimited(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	first := x.clock.Now()
	x.clock.Advance(19 * time.Second)
	if e := x.refused(x.p.RequestCode(x.ctx, x.v, x.form()), "resend_wait"); !e.Until.Equal(first.Add(20 * time.Second)) {
		t.Errorf("another in %v", e.Until.Sub(x.clock.Now()))
	}
	x.clock.Advance(time.Second)
	for range 4 {
		x.must(x.p.RequestCode(x.ctx, x.v, x.form()))
		x.clock.Advance(20 * time.Second)
	}
	e := x.refused(x.p.RequestCode(x.ctx, x.v, x.form()), "resend_wait")
	if !e.Until.Equal(first.Add(15*time.Minute)) || !x.codePage().ResendAt.Equal(e.Until) {
		t.Errorf("after five: until %v", e.Until.Sub(first))
	}
}

func TestARefusedAddressIsMendedAtTheCode(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Contract)
	x.must(x.p.AcknowledgeContract(x.ctx, x.v, x.form(), "d1"))
	mail := x.codeMail()
	_, err := x.db.StartMail(x.ctx, mail, x.clock.Now())
	x.must(err)
	x.must(x.db.MailRefused(x.ctx, mail, "550 5.1.1 no such user", x.clock.Now()))
	if s := x.codePage().Status; s != workflow.CodeRefused {
		t.Fatalf("the page says %s", s)
	}
	old := x.code()
	x.clock.Advance(20 * time.Second)
	x.must(x.p.RedirectCode(x.ctx, x.v, x.form(), "anna.giusta@mail.example", ""))
	want := []string{"code anna.neri@mail.example", "contacts_changed anna.neri@mail.example",
		"contacts_changed " + x.address, "code anna.giusta@mail.example"}
	if got := x.mails(); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
	x.relayAccepts()
	x.refused(x.typeCode(old), "code_replaced")
	x.must(x.typeCode(x.code()))
	x.want(workflow.Qualified)
}

// One of fifty clicks wins; the others find out where they are.
func TestFiftyRightCodesAtOnce(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	form, code := x.form(), x.code()
	var wg sync.WaitGroup
	outcomes := make([]error, 50)
	for i := range outcomes {
		wg.Go(func() { outcomes[i] = x.p.TypeCode(x.ctx, x.v, form, code) })
	}
	wg.Wait()
	right := 0
	for _, err := range outcomes {
		switch {
		case err == nil:
			right++
		case !isStale(err):
			t.Errorf("a loser is told %v", err)
		}
	}
	if right != 1 {
		t.Errorf("%d codes were right", right)
	}
	x.want(workflow.Qualified)
	var stars int
	x.must(x.db.Pool().QueryRow(x.ctx, `select count(*) from mailboxes where star is not null`).Scan(&stars))
	want := []string{"code anna.neri@mail.example", "qualified anna.neri@mail.example", "qualified_pec " + x.address}
	if got := x.mails(); stars != 1 || !slices.Equal(got, want) {
		t.Errorf("%d stars, mails %v", stars, got)
	}
}

// What the record says is judged again with the right code.
func TestARecordThatChangesMeanwhile(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	changed := personRecord
	changed.FiscalCode = sara
	_, err := x.p.Record(x.ctx, "tests", x.address, workflow.Active, changed)
	x.must(err)
	if err := x.typeCode(x.code()); !errors.Is(err, workflow.ErrLapsed) {
		t.Fatalf("the answer is %v", err)
	}
	x.want(workflow.Identification)
	x.must(x.logIn(anna))
	x.want(workflow.Rejected)
}

func TestAMailboxThatIsNoMoreActiveGetsNoStar(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	_, err := x.p.Record(x.ctx, "tests", x.address, workflow.Cancelled, personRecord)
	x.must(err)
	if err := x.typeCode(x.code()); !errors.Is(err, workflow.ErrNotEligible) {
		t.Fatalf("the answer is %v", err)
	}
	x.want(workflow.CodeEntry)
}
