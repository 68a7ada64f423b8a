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

const header = "address,kind,name,fiscal_code,representatives,email,status\n"

// take imports a text and compares what was done and what was wrong.
func take(t *testing.T, w *storetest.World, text string, want map[workflow.Recorded]int, wrong ...string) {
	t.Helper()
	done, err := importMailboxes(t.Context(), w.Procedure, "tests", strings.NewReader(text))
	var got []string
	if err != nil {
		got = strings.Split(err.Error(), "\n")
	}
	if len(got) != len(wrong) {
		t.Fatalf("wrong were\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wrong, "\n"))
	}
	for i := range got {
		if !strings.HasPrefix(got[i], wrong[i]) {
			t.Errorf("it says %q, want %q", got[i], wrong[i])
		}
	}
	for _, what := range []workflow.Recorded{workflow.RecordMade, workflow.RecordChanged, workflow.RecordUnchanged, workflow.RecordRevoked} {
		if done[what] != want[what] {
			t.Errorf("%d were %s, want %d", done[what], what, want[what])
		}
	}
}

type counts = map[workflow.Recorded]int

func TestMailboxesAreImported(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	good := header + `Anna.Neri@PEC.example,person,Anna Neri,nrenna80a41h501t,,anna.neri@mail.example,active
officine@pec.example,company,"Officine Bianchi, S.r.l.",09876543217,BNCLCU75C12F205G Luca Bianchi; VRDSRA82E50L219E Sara Verdi ,,active

nobody@pec.example,,,,,,active
`
	take(t, w, good, counts{workflow.RecordMade: 3})
	take(t, w, good, counts{workflow.RecordUnchanged: 3})
	take(t, w, "\ufeff"+strings.ReplaceAll(good, "\n", "\r\n"), counts{workflow.RecordUnchanged: 3}) // as a spreadsheet writes it

	read := func(address string) workflow.Mailbox {
		id, err := w.MailboxByAddress(t.Context(), address)
		storetest.Must(t, err)
		c, err := w.View(t.Context(), id)
		storetest.Must(t, err)
		return c.Mailbox
	}
	if m := read("anna.neri@pec.example"); m.Record.FiscalCode != storetest.Anna || m.Record.Email != "anna.neri@mail.example" || m.Status != workflow.Active {
		t.Errorf("%+v", m)
	}
	r := read("officine@pec.example").Record
	if r.Name != "Officine Bianchi, S.r.l." || len(r.Representatives) != 2 || r.Representatives[1] != (workflow.Representative{FiscalCode: storetest.Sara, Name: "Sara Verdi"}) {
		t.Errorf("%+v", r)
	}

	changed := strings.Replace(good, "Luca Bianchi; VRDSRA82E50L219E Sara Verdi ", "Luca Bianchi", 1)
	changed = strings.Replace(changed, "nobody@pec.example,,,,,,active", "nobody@pec.example,,,,,,cancelled", 1)
	take(t, w, changed, counts{workflow.RecordChanged: 2, workflow.RecordUnchanged: 1})
	if m := read("nobody@pec.example"); m.Status != workflow.Cancelled {
		t.Errorf("%+v", m)
	}

	// With a VAT number, which counts as the company's code too.
	vat := strings.TrimSuffix(header, "\n") + ",vat_number\n" + "ditta@pec.example,company,Ditta,NRENNA80A41H501T,,,active,09876543217\n"
	take(t, w, vat, counts{workflow.RecordMade: 1})
	if r := read("ditta@pec.example").Record; r.VATNumber != "09876543217" {
		t.Errorf("%+v", r)
	}
}

func TestAnImportTakesTheStarOfAnotherHolder(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	j := w.Reach(t, workflow.Qualified)
	line := func(name, code, status string) string {
		return header + j.Address + ",person," + name + "," + code + ",,anna.neri@mail.example," + status + "\n"
	}
	take(t, w, line("Anna Neri Rossi", storetest.Anna, "active"), counts{workflow.RecordChanged: 1})
	take(t, w, line("Anna Neri Rossi", storetest.Anna, "expired"), counts{workflow.RecordChanged: 1})
	if j.Case().Mailbox.Star == nil {
		t.Error("the star went, and the holder is the same")
	}
	take(t, w, line("Sara Verdi", storetest.Sara, "active"), counts{workflow.RecordRevoked: 1})
	if c := j.Case(); c.Mailbox.Star != nil || c.Qualification.State != workflow.Revoked || c.Mailbox.Ordinary != "" {
		t.Errorf("%+v of %+v", c.Qualification, c.Mailbox)
	}
}

func TestWrongLinesAreNamedAndTheOthersTaken(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	take(t, w, header+`good1@pec.example,person,Anna Neri,NRENNA80A41H501T,,,active
no address,person,Anna Neri,NRENNA80A41H501T,,,active
code@pec.example,person,Anna Neri,NRENNA80A41H501X,,,active
kind@pec.example,citizen,Anna Neri,NRENNA80A41H501T,,,active
status@pec.example,person,Anna Neri,NRENNA80A41H501T,,,dead
mail@pec.example,person,Anna Neri,NRENNA80A41H501T,,not an address,active
short@pec.example,person
company@pec.example,company,Officine,09876543218,,,active
representative@pec.example,company,Officine,09876543217,LUCA Bianchi,,active
nokind@pec.example,,Anna Neri,NRENNA80A41H501T,,,active
ba"re@pec.example,person,Anna Neri,NRENNA80A41H501T,,,active
latin1@pec.example,person,Nicol`+"\xf2"+`,NRENNA80A41H501T,,,active
nul@pec.example,person,Ni`+"\x00"+`co,NRENNA80A41H501T,,,active
good2@pec.example,person,Anna Neri,NRENNA80A41H501T,,,active
open@pec.example,person,"Anna Neri,NRENNA80A41H501T,,,active
`, counts{workflow.RecordMade: 2},
		`line 3: `, `line 4: `, `line 5: kind "citizen"`, `line 6: status "dead"`, `line 7: email "not an address"`, `line 8: wrong number of fields`,
		`line 9: the company's fiscal code`, `line 10: representative 1`, `line 11: a fiscal code or representatives, but no kind`, `line 12: bare "`,
		`line 13: it is not UTF-8 text`, `line 14: it is not UTF-8 text`, `line 16: extraneous or missing "`)
}

func TestAFileOfSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	for text, want := range map[string]string{
		"":                     "the file is empty",
		"address,name\na,b\n":  `the first line must be "address,kind,name,fiscal_code,representatives,email,status", or that with vat_number`,
		"address;kind;name\n":  `the first line must be`,
		"anna@pec.example,,\n": `the first line must be`,
		strings.TrimSuffix(header, "\n") + ",vat_number,more\n": `the first line must be`,
		strings.Replace(header, "kind,name", "name,kind", 1):    `the first line must be`,
		"\"address\n": `reading the first line`,
	} {
		take(t, w, text, nil, want)
	}
}

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
	if r.status != 1 || r.out != "1 made\n" || r.err != "stella: line 2: status \"dead\": want active, expired, cancelled or revoked\n" {
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
	c, _, err := s.Standing(t.Context(), workflow.Digest(lines[1]), "x@pec.example", time.Now())
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
