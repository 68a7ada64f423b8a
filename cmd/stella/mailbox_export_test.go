package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestExportRoundTrip(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	awkward := strings.TrimSuffix(header, "\n") + `,vat_number
formula@pec.example,person,"=cmd|'/c calc'!A1",,,,active,
at@altra.example,company,"@Officine ""Bianchi""; & figli, S.r.l.",09876543217,"BNCLCU75C12F205G -Luca, Bianchi;VRDSRA82E50L219E",info@mail.example,expired,09876543217
nobody@pec.example,,,,,,cancelled,
`
	importText(t, w, awkward, counts{qualification.ImportMade: 3})
	star := w.RecordInState(t, qualification.Qualified)
	w.RecordAs(t, "gone@pec.example", storetest.AnnasRecord)
	storetest.Must(t, w.Cases.Delete(t.Context(), "tests", "gone@pec.example"))

	export := func(args ...string) string {
		return stella(t, []string{"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString()},
			append([]string{"mailbox", "export"}, args...)...).succeeds(t)
	}
	out := export()
	importText(t, w, out, counts{qualification.ImportUnchanged: 4})
	if strings.Contains(out, "gone@") {
		t.Error("a deleted mailbox is exported")
	}
	empty := storetest.NewWorld(t).InRealTime()
	importText(t, empty, out, counts{qualification.ImportMade: 4})
	var again bytes.Buffer
	storetest.Must(t, exportMailboxes(t.Context(), empty.Store,
		workflow.RegisterFilter{Domains: []string{"altra.example", "pec.example"}}, &again))
	sorted := func(text string) string { return strings.Join(slices.Sorted(strings.Lines(text)), "") } // the order differs
	if sorted(again.String()) != sorted(out) {
		t.Errorf("exported again it is\n%s, want\n%s", &again, out)
	}
	lines := func(text string) int { return strings.Count(text, "\n") - 1 }
	if out := export("--domain=Altra.example"); lines(out) != 1 || !strings.Contains(out, "at@altra.example") {
		t.Errorf("one domain: %s", out)
	}
	stella(t, []string{"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString()}, "mailbox", "export", "--domain=nope.example").fails(t, 1,
		`no mailbox of the domain "nope.example" is on record`)
	if out := export("--state=qualified"); lines(out) != 1 || !strings.Contains(out, star.Address) {
		t.Errorf("one state: %s", out)
	}
}

// An export of several pages contains each mailbox once.
func TestExportOfManyPages(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	var text strings.Builder
	text.WriteString(header)
	for n := range 5000 {
		fmt.Fprintf(&text, "m%d@d%d.example,,,,,,active\n", n, n%3)
	}
	importText(t, w, text.String(), counts{qualification.ImportMade: 5000})
	domains, err := w.Domains(t.Context())
	storetest.Must(t, err)
	if fmt.Sprint(domains) != "[d0.example d1.example d2.example]" {
		t.Errorf("the domains are %v", domains)
	}
	var out bytes.Buffer
	storetest.Must(t, exportMailboxes(t.Context(), w.Store, workflow.RegisterFilter{Domains: domains}, &out))
	importText(t, w, out.String(), counts{qualification.ImportUnchanged: 5000})

	// The same is true of the list.
	out.Reset()
	storetest.Must(t, listMailboxes(t.Context(), w.Store, store.MailboxFilter{}, &out))
	listed := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		listed[strings.Fields(line)[0]] = true
	}
	if n := strings.Count(out.String(), "\n"); n != 5001 || len(listed) != n {
		t.Errorf("%d lines, %d of them different", n, len(listed))
	}
}
