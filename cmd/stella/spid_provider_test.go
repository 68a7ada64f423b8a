package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stella/cmd/stella/programtest"
	"stella/spid/spidtest"
	"stella/store/storetest"
	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestSuspendProvider(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	now := time.Now().In(storetest.Rome)
	w.Clock.Set(time.Date(now.Year(), now.Month(), now.Day()-1, 12, 0, 0, 0, storetest.Rome)) // the commands use the machine's clock
	yesterday, before := w.Clock.RomeIn(0).Format("2006-01-02"), w.Clock.RomeIn(-24*time.Hour).Format("2006-01-02")
	url := w.Pool().Config().ConnString()
	run := func(args ...string) result {
		return stella(t, []string{"STELLA_DATABASE_URL=" + url, "STELLA_OPERATOR=maria"}, append([]string{"spid", "provider"}, args...)...)
	}
	columns := func(out string) []string {
		var all []string
		for line := range strings.Lines(out) {
			all = append(all, strings.Join(strings.Fields(line), " "))
		}
		return all
	}
	if out := run("list").succeeds(t); strings.Join(columns(out), "") != "PROVIDER NAME LOGINS SUSPENDED SINCE BY REASON" {
		t.Errorf("%s", out)
	}
	run("suspend", storetest.Provider, "--since="+before).fails(t, 1,
		`no identity provider https://idp.example is known: see "stella spid provider list"`)

	early := w.RecordAs(t, "early@pec.example", storetest.AnnasRecord)
	early.AdvanceTo(qualification.Qualified) // at noon
	w.Clock.Advance(time.Hour)
	late := w.RecordAs(t, "late@pec.example", storetest.AnnasRecord)
	late.AdvanceTo(qualification.Identified)
	w.Clock.Advance(time.Minute)
	late.AdvanceTo(qualification.Qualified)
	review := w.RecordAs(t, "review@pec.example", workflow.Record{
		Kind: workflow.KindPerson, Name: "Anna Neri", Email: "anna.neri@mail.example",
	})
	review.AdvanceTo(qualification.UnderReview)
	under := w.RecordAs(t, "under@pec.example", storetest.AnnasRecord)
	under.AdvanceTo(qualification.Contract)

	run("suspend", storetest.Provider, "--since=2126-11-20").fails(t, 1, "--since 2126-11-20 00:00:00 +01:00: that time is in the future")
	if r := run("suspend", storetest.Provider, "--since=yesterday"); r.status != 2 ||
		!strings.Contains(r.err, `"yesterday": want a day such as 2026-11-20`) {
		t.Errorf("%+v", r)
	}
	run("resume", storetest.Provider).fails(t, 1, storetest.Provider+" is not suspended")
	if all, err := w.Suspensions(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("the suspensions are %+v (%v)", all, err)
	}

	// A suspension lists the stars since its date. The list shows its operator and reason.
	out := columns(run("suspend", storetest.Provider, "--since", yesterday+" 13:00", "--reason", "chiavi rubate").succeeds(t))
	identified, qualified := italianTime(t, yesterday+" 13:00:00"), italianTime(t, yesterday+" 13:01:00")
	want := []string{
		"https://idp.example: suspended; stars since " + identified + ": 1",
		"MAILBOX CASE IDENTIFIED QUALIFIED STATE",
		"late@pec.example 2 " + identified + " " + qualified + " qualified",
	}
	if strings.Join(out, "\n") != strings.Join(want, "\n") {
		t.Errorf("it prints\n%s\nwant\n%s", strings.Join(out, "\n"), strings.Join(want, "\n"))
	}
	list := columns(run("list").succeeds(t))
	if s := list[1]; !strings.HasPrefix(s, "https://idp.example Identità di prova no, suspended 20") ||
		!strings.HasSuffix(s, " "+identified+" maria chiavi rubate") {
		t.Errorf("%s", s)
	}
	if s := under.Case().Stage(under.Visitor); s != qualification.Identification {
		t.Errorf("the stage of an open case is %s", s)
	}
	stella(t, []string{"STELLA_DATABASE_URL=" + url}, "qualification", "approve", "review@pec.example", "--reason=visura").fails(t, 1,
		"review@pec.example cannot be approved: the person was identified by https://idp.example, which is suspended and not trusted for that time; "+
			"refuse it, and the holder can be identified again")

	// An earlier date lists more stars. Revoked stars are listed too.
	storetest.Must(t, w.Cases.Revoke(t.Context(), "tests", "early@pec.example", 0, "x"))
	out = columns(run("suspend", storetest.Provider, "--since="+before).succeeds(t))
	if want := "https://idp.example: suspended; stars since " + italianTime(t, before+" 00:00:00") + ": 1, and 1 revoked"; out[0] != want {
		t.Errorf("%s, want %s", out[0], want)
	}
	if len(out) != 4 || !strings.HasPrefix(out[2], "early@pec.example 1 ") || !strings.HasSuffix(out[2], " revoked") ||
		!strings.HasPrefix(out[3], "late@pec.example 2 ") {
		t.Errorf("%s", strings.Join(out, "\n"))
	}

	if out := run("resume", storetest.Provider, "--reason=chiavi nuove").succeeds(t); out != "https://idp.example: resumed\n" {
		t.Errorf("%q", out)
	}
	if list := columns(run("list").succeeds(t)); list[1] != "https://idp.example Identità di prova no, not configured - - - -" {
		t.Errorf("%s", list[1])
	}
}

// All providers in the configuration and the database are listed. A provider can be
// suspended before anyone has logged in with it.
func TestKnownProviders(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	r, err := spidtest.NewRegistry(time.Now())
	storetest.Must(t, err)
	entity := func(id string) []byte {
		return []byte(strings.ReplaceAll(string(programtest.Fixtures().Providers), "https://idp.example", id))
	}
	aggregate, err := r.Aggregate(time.Now(), [][]byte{entity("https://listed.example")})
	storetest.Must(t, err)
	storetest.Must(t, w.SaveAggregate(t.Context(), aggregate, time.Now()))
	w.RecordInState(t, qualification.AtProvider)
	env := []string{
		"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString(),
		"STELLA_SPID_REGISTRY_PIN=" + r.Signer().String(),
		"STELLA_SPID_PROVIDERS=" + programtest.File(t, "p.xml", entity("https://extra.example")),
		"STELLA_CIE_PROVIDER=" + programtest.File(t, "c.xml", entity("https://card.example")),
		"STELLA_SPID_NAMES=https://extra.example=Il nostro",
	}
	list := stella(t, env, "spid", "provider", "list").succeeds(t)
	for id, want := range map[string]string{
		"card":   "Carta di Identità Elettronica yes",
		"extra":  "Il nostro yes",
		"idp":    "Identità di prova no, not configured",
		"listed": "Identità di prova no, the registry is not configured",
	} {
		if !strings.Contains(oneLine(list), fmt.Sprintf(" https://%s.example %s - ", id, want)) {
			t.Errorf("%s is not listed as %s:\n%s", id, want, list)
		}
	}
	withRegistry := oneLine(stella(t, append(env, "STELLA_SPID_REGISTRY=https://registry.example"), "spid", "provider", "list").succeeds(t))
	if !strings.Contains(withRegistry, " https://listed.example Identità di prova yes - ") {
		t.Errorf("a provider of the registry is not in use:\n%s", withRegistry)
	}
	out := stella(t, env, "spid", "provider", "suspend", "https://listed.example", "--since=2020-11-20").succeeds(t)
	if out != "https://listed.example: suspended; stars since 2020-11-20 00:00:00 +01:00: 0\n" {
		t.Errorf("%q", out)
	}
	// A suspended provider is known to every command. Suspending it again changes the date.
	if r := stella(t, env[:1], "spid", "provider", "suspend", "https://listed.example", "--since=2020-11-19"); r.status != 0 {
		t.Errorf("%+v", r)
	}
	bare := stella(t, env[:1], "spid", "provider", "list")
	if bare.status != 0 || !strings.Contains(bare.out, "  2020-11-19 00:00:00 +01:00  ") || strings.Contains(bare.out, "extra.example") {
		t.Errorf("%+v", bare)
	}
}

// italianTime formats a time of Italy as the commands print it.
func italianTime(t *testing.T, local string) string {
	t.Helper()
	at, err := time.ParseInLocation(time.DateTime, local, templates.Rome)
	storetest.Must(t, err)
	return formatTime(at)
}

// oneLine replaces all white space by single blanks.
func oneLine(out string) string { return strings.Join(strings.Fields(out), " ") }

// A provider without a valid certificate is listed with the reason why logins cannot
// start there.
func TestProviderWithoutValidKey(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	later := time.Now().Add(48 * time.Hour) // so the certificate is not valid yet
	p, err := spidtest.New(spidtest.Config{
		BaseURL:         "https://early.example",
		Now:             func() time.Time { return later },
		ServiceProvider: func() ([]byte, error) { return nil, nil },
	})
	storetest.Must(t, err)
	env := []string{"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString(), "STELLA_SPID_PROVIDERS=" + programtest.File(t, "p.xml", p.Metadata())}
	list := stella(t, env, "spid", "provider", "list").succeeds(t)
	if !strings.Contains(list, "no, no certificate that may sign: a certificate that is not valid before ") {
		t.Errorf("%s", list)
	}
}
