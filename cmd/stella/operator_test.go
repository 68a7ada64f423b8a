package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
)

func TestTheOperatorsCommandsOnMailboxes(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	run := func(args ...string) result { return stella(t, []string{"STELLA_DATABASE_URL=" + url}, args...) }
	good := file(t, "good.csv", []byte(header+"anna.neri@pec.example,person,Anna Neri,NRENNA80A41H501T,,anna.neri@mail.example,active\n"))
	if out := run("mailbox", "import", good).succeeds(t); out != "1 made\n" {
		t.Errorf("%q", out)
	}
	bad := file(t, "bad.csv", []byte(header+"anna.neri@pec.example,person,Anna Neri,NRENNA80A41H501T,,anna.neri@mail.example,dead\nb@pec.example,,,,,,active\n"))
	r := run("mailbox", "import", bad)
	if r.status != 1 || r.out != "1 made\n" || r.err != "line 2: status: want active, expired, cancelled or revoked\nstella: 1 line was rejected\n" {
		t.Errorf("%+v", r)
	}
	run("mailbox", "import", "/nonexistent.csv").fails(t, 1, "open /nonexistent.csv: no such file or directory")
	list := run("mailbox", "list").succeeds(t)
	if lines := strings.Split(list, "\n"); len(lines) != 4 || !strings.HasPrefix(lines[0], "MAILBOX ") || strings.Join(strings.Fields(lines[1]), " ") != "anna.neri@pec.example active person - - -" {
		t.Errorf("%s", list)
	}
	if out := run("mailbox", "show", "Anna.Neri@pec.example").succeeds(t); !strings.Contains(out, "NRENNA80A41H501T") || !strings.Contains(out, "anna.neri@mail.example") {
		t.Errorf("%s", out)
	}
	run("mailbox", "show", "nobody@pec.example").fails(t, 1, "there is no mailbox nobody@pec.example on record")
}

func TestAWebmailIsRegisteredOnce(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	url := s.Pool().Config().ConnString()
	run := func(args ...string) result {
		return stella(t, []string{"STELLA_DATABASE_URL=" + url}, append([]string{"client", "add"}, args...)...)
	}
	out := run("webmail", "--domain", "@PEC.example", "--domain=città.example", "--return-url", "https://webmail.example/").succeeds(t)
	lines := strings.Split(out, "\n")
	if len(lines) != 3 || lines[0] != "Token of webmail; it is not shown again:" {
		t.Fatalf("%q", out)
	}
	c, err := s.ClientByToken(t.Context(), workflow.Digest(lines[1]), time.Now())
	if err != nil || strings.Join(c.Domains, " ") != "pec.example xn--citt-3na.example" {
		t.Errorf("%+v, %v", c, err)
	}
	run("webmail", "--domain", "pec.example", "--return-url", "https://webmail.example/").fails(t, 1, `client "webmail": already exists`)
	run("other", "--domain", "pec", "--domain", "a@b.example", "--return-url", "webmail.example", "--return-url", "javascript:alert(1)").fails(t, 1,
		`--domain "pec" is no domain, such as pec.example`+"\n"+`--domain "a@b.example" is no domain, such as pec.example`+"\n"+
			`--return-url "webmail.example" is no URL, such as https://webmail.example/`+"\n"+`--return-url "javascript:alert(1)" is no URL, such as https://webmail.example/`)
}

func TestAnOperatorDecides(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	url := w.Pool().Config().ConnString()
	run := func(args ...string) result {
		return stella(t, []string{"STELLA_DATABASE_URL=" + url, "STELLA_OPERATOR=maria"}, append([]string{"qualification"}, args...)...)
	}
	review := w.RecordAs(t, "review@pec.example", workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", Email: "anna.neri@mail.example"})
	review.To(workflow.UnderReview)
	other := w.RecordAs(t, "other@pec.example", workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", Email: "anna.neri@mail.example"})
	other.To(workflow.UnderReview)
	started := w.RecordAs(t, "started@pec.example", storetest.AnnasRecord)
	started.To(workflow.Summary)
	w.RecordAs(t, "never@pec.example", storetest.AnnasRecord)

	// What cannot be is told in a sentence.
	for _, verb := range []string{"approve", "refuse", "revoke"} {
		run(verb, "nobody@pec.example", "--reason=x").fails(t, 1, "there is no mailbox nobody@pec.example on record")
		run(verb, "4711", "--reason=x").fails(t, 1, "there is no case 4711")
		run(verb, "review@pec.example", "--reason=  ").fails(t, 1, "--reason is empty")
		run(verb, "never@pec.example", "--reason=x").fails(t, 1, "never@pec.example never had a qualification")
		needed := map[string]string{"approve": "under_review", "refuse": "under_review", "revoke": "qualified"}[verb]
		run(verb, "Started@pec.example", "--reason=x").fails(t, 1,
			"started@pec.example cannot be "+verb+"d: its case 3 is in state summary, and only one in state "+needed+" can")
	}
	run("show", "nobody@pec.example").fails(t, 1, "there is no mailbox nobody@pec.example on record")
	run("show", "never@pec.example").fails(t, 1, "never@pec.example never had a qualification")
	run("revoke", "review@pec.example", "--reason=x").fails(t, 1,
		"review@pec.example cannot be revoked: its case 1 is in state under_review, and only one in state qualified can")

	// The list has the cases, and only those asked for.
	if list := run("list").succeeds(t); strings.Count(list, "\n") != 4 || strings.Contains(list, "never@") {
		t.Errorf("%s", list)
	}
	if list := run("list", "--state", "under_review").succeeds(t); strings.Count(list, "\n") != 3 || strings.Contains(list, "started@") {
		t.Errorf("%s", list)
	}

	// The record may have learnt since who the holder is.
	record := storetest.AnnasRecord
	record.FiscalCode = storetest.Sara
	_, err := w.Procedure.Record(t.Context(), "tests", other.Address, workflow.Active, record)
	storetest.Must(t, err)
	run("approve", "other@pec.example", "--reason=x").fails(t, 1,
		"other@pec.example cannot be approved: the holder on record is not the person who was identified; refuse it, or mend the record first")
	if out := run("refuse", "2", "--reason=un'altra persona").succeeds(t); out != "other@pec.example: refused\n" {
		t.Errorf("%q", out)
	}
	if q := other.Case().Qualification; q.State != workflow.Rejected || q.Reason != workflow.ReasonReview || q.Remark != "un'altra persona" {
		t.Errorf("%+v", q)
	}

	if out := run("approve", "Review@pec.example", "--reason=visura 123").succeeds(t); out != "review@pec.example: approved\n" {
		t.Errorf("%q", out)
	}
	if c := review.Case(); c.Qualification.State != workflow.Qualified || c.Mailbox.Star == nil {
		t.Errorf("%+v", c.Qualification)
	}
	show := run("show", "1").succeeds(t)
	for _, want := range []string{"review@pec.example", "qualified since ", "Anna Neri", "TINIT-" + storetest.Anna, "DECLARATION", "review_approved", "operator maria",
		"code_right_unproven", "decision", "verdict unproven", "visura 123", "qualified_pec", "waiting", "webmail webmail/user-7", "192.0.2.7"} {
		if !strings.Contains(show, want) {
			t.Errorf("it does not show %q:\n%s", want, show)
		}
	}
	if out := run("revoke", "1", "--reason=un errore").succeeds(t); out != "review@pec.example: revoked\n" {
		t.Errorf("%q", out)
	}
	if c := review.Case(); c.Qualification.State != workflow.Revoked || c.Mailbox.Star != nil {
		t.Errorf("%+v", c.Qualification)
	}
	run("revoke", "1", "--reason=x").fails(t, 1, "review@pec.example cannot be revoked: its case 1 is in state revoked, and only one in state qualified can")

	// A case that is over stays to be read, and is no handle on the next one.
	review.Enter("another browser")
	again := review.Case().Qualification.Number
	run("revoke", "1", "--reason=x").fails(t, 1, fmt.Sprintf("case 1 of review@pec.example is over: its case in force is %d", again))
	if old := run("show", "1").succeeds(t); !strings.Contains(old, "revoked since ") || !strings.Contains(old, fmt.Sprint("another case  ", again)) {
		t.Errorf("%s", old)
	}
	if now := run("show", "review@pec.example").succeeds(t); !strings.Contains(now, "holder_choice since ") {
		t.Errorf("%s", now)
	}
}

func TestTheAuditorReadsTheArchive(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	login := w.Reach(t, workflow.Identified).Case().Qualification.Login.ID
	run := func(args ...string) result {
		return stella(t, []string{"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString()}, append([]string{"archive", "show"}, args...)...)
	}
	key := file(t, "auditor.key", []byte(storetest.Auditor.String()+"\n"))
	want := "<!-- request, 2026-11-21 12:00:00, SHA-256 b857e4e7eb75d159654764213b4107cc7ce591a5bb20a7a214ee751cb3c74e69, the log has its digest -->\n<AuthnRequest/>\n" +
		"<!-- response, 2026-11-21 12:00:00, SHA-256 b40c651583a41c9daeaae9a2a1665979521b0f1886a2761d5fe746414186905c, the log has its digest -->\n<Response/>\n"
	if out := run(login, "--key", key).succeeds(t); out != want {
		t.Errorf("%q, want %q", out, want)
	}
	storetest.Must(t, w.Procedure.StartTrial(t.Context(), workflow.Login{ID: "_trial", StartedAt: w.Clock.Now()}, []byte("<AuthnRequest/>"), netip.Addr{}))
	if out := run("_trial", "--key", key).succeeds(t); !strings.Contains(out, ", of a trial, in which no step is decided -->\n<AuthnRequest/>\n") {
		t.Errorf("%q", out)
	}
	run("_unheard", "--key", key).fails(t, 1, "the archive has nothing of _unheard")
	run(login, "--key", "/nonexistent").fails(t, 1, "open /nonexistent: no such file or directory")
	_, err := makeArchiveKey(t.TempDir() + "/another.key")
	storetest.Must(t, err)
	garbage := file(t, "garbage", []byte("garbage"))
	if r := run(login, "--key", garbage); r.status != 1 || !strings.Contains(r.err, garbage) || strings.Contains(r.err, "\n\n") {
		t.Errorf("%+v", r)
	}
}

// The company of a professional identity is evidence that an auditor sees.
func TestTheCompanyOfAnIdentityIsShown(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	j := w.Reach(t, workflow.AtProvider)
	a := w.Answer(storetest.Anna)
	a.Assertion.CompanyName, a.Assertion.CompanyVATNumber = "Officine Bianchi S.r.l.", "09876543217"
	secret, err := w.Procedure.ParkAnswer(t.Context(), j.Case().Qualification.Login.ID, a, []byte("<Response/>"))
	storetest.Must(t, err)
	storetest.Must(t, w.Procedure.Return(t.Context(), j.Visitor, secret))
	out := stella(t, []string{"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString()}, "qualification", "show", j.Address).succeeds(t)
	if !strings.Contains(out, "COMPANY") || !strings.Contains(out, "  Officine Bianchi S.r.l. 09876543217  ") {
		t.Errorf("%s", out)
	}
}

func TestADatabaseThatIsNotMigrated(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyURL(t)
	run := func(args ...string) result { return stella(t, []string{"STELLA_DATABASE_URL=" + url}, args...) }
	for _, args := range []string{"mailbox list", "mailbox show x", "mail list", "qualification list", "qualification show 1", "qualification approve 1 --reason=x",
		"client add x --domain=a.example --return-url=https://a.example",
		"spid provider list", "spid provider suspend x --since=2026-11-20", "spid provider resume x"} {
		run(strings.Fields(args)...).fails(t, 1, `the database has pending migrations: run "stella migrate" first`)
	}
	c := goodConfig(t)
	c.URL = url
	if r := stella(t, environ(valueOf(c)), "serve"); r.status != 1 || !strings.Contains(r.err, `run "stella migrate" first`) {
		t.Errorf("%+v", r)
	}
	if out := run("migrate").succeeds(t); !strings.HasPrefix(out, "PostgreSQL at ") || !strings.HasSuffix(out, " migrations applied\n") {
		t.Errorf("%q", out)
	}
	if out := run("migrate").succeeds(t); !strings.HasSuffix(out, ": the schema is up to date\n") {
		t.Errorf("%q", out)
	}
	run("mailbox", "list").succeeds(t)
	s, err := store.Open(t.Context(), url, nil)
	storetest.Must(t, err)
	defer s.Close()
	storetest.Must(t, s.CheckSchema(t.Context()))
}
