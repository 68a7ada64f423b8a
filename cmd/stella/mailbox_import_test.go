package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

const header = "address,kind,name,fiscal_code,representatives,email,status\n"

type counts = map[qualification.ImportResult]int

// importText imports a text and checks the results and the messages about invalid
// lines. wrong are the beginnings of the messages.
func importText(t *testing.T, w *storetest.World, text string, want counts, wrong ...string) {
	t.Helper()
	var warnings bytes.Buffer
	done, err := importMailboxes(t.Context(), w.Cases, "tests", strings.NewReader(text), &warnings)
	if (err != nil) != (len(wrong) > 0) {
		t.Fatalf("the import returns %v, with %q", err, warnings.String())
	}
	got := strings.Split(strings.TrimSuffix(warnings.String(), "\n"), "\n")
	if warnings.Len() == 0 && err != nil { // an error of the file, not of a line
		got = []string{err.Error()}
	}
	for i, line := range wrong {
		if len(got) != len(wrong) || !strings.HasPrefix(got[i], line) {
			t.Fatalf("the messages are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wrong, "\n"))
		}
	}
	for _, what := range []qualification.ImportResult{qualification.ImportMade, qualification.ImportChanged, qualification.ImportUnchanged,
		qualification.ImportRevoked} {
		if done[what] != want[what] {
			t.Errorf("%d were %s, want %d", done[what], what, want[what])
		}
	}
}

func mailboxAt(t *testing.T, w *storetest.World, address string) workflow.Mailbox {
	t.Helper()
	id, err := w.MailboxByAddress(t.Context(), address)
	storetest.Must(t, err)
	c, err := w.View(t.Context(), id)
	storetest.Must(t, err)
	return c.Mailbox
}

func countRecords(t *testing.T, w *storetest.World) (n int) {
	t.Helper()
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from records`).Scan(&n))
	return n
}

const goodFile = header + `Anna.Neri@PEC.example,person,Anna Neri,nrenna80a41h501t,,anna.neri@mail.example,active
officine@pec.example,company,"Officine Bianchi, S.r.l.",09876543217,BNCLCU75C12F205G Luca Bianchi; VRDSRA82E50L219E  Sara Verdi ,,active

nobody@pec.example,,,,,,active
`

func TestImport(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	importText(t, w, goodFile, counts{qualification.ImportMade: 3})
	if m := mailboxAt(t, w, "anna.neri@pec.example"); m.Record.FiscalCode != storetest.Anna || m.Record.Email != "anna.neri@mail.example" ||
		m.Status != workflow.Active || m.Record.ImportedBy != "tests" {
		t.Errorf("%+v", m)
	}
	r := mailboxAt(t, w, "officine@pec.example").Record
	if r.Name != "Officine Bianchi, S.r.l." || len(r.Representatives) != 2 ||
		r.Representatives[1] != (workflow.Representative{FiscalCode: storetest.Sara, Name: "Sara Verdi"}) {
		t.Errorf("%+v", r)
	}

	changed := strings.Replace(goodFile, "Luca Bianchi; VRDSRA82E50L219E  Sara Verdi ", "Luca Bianchi", 1)
	changed = strings.Replace(changed, "nobody@pec.example,,,,,,active", "nobody@pec.example,,,,,,cancelled", 1)
	importText(t, w, changed, counts{qualification.ImportChanged: 2, qualification.ImportUnchanged: 1})
	if m := mailboxAt(t, w, "nobody@pec.example"); m.Status != workflow.Cancelled {
		t.Errorf("%+v", m)
	}
	// Two companies may have the same VAT number, for example in a VAT group.
	importText(t, w, strings.TrimSuffix(header, "\n")+",vat_number\n"+
		"uno@pec.example,company,Gruppo Uno,00743110157,,,active,02468135799\n"+
		"due@pec.example,company,Gruppo Due,00488410010,,,active,02468135799\n",
		counts{qualification.ImportMade: 2})
	// A sole trader has the fiscal code of its owner. Its VAT number counts as its code too.
	vat := strings.TrimSuffix(header, "\n") + ",vat_number\n" + "ditta@pec.example,company,Ditta,NRENNA80A41H501T,,,active,09876543217\n"
	importText(t, w, vat, counts{qualification.ImportMade: 1})
	if r := mailboxAt(t, w, "ditta@pec.example").Record; r.VATNumber != "09876543217" {
		t.Errorf("%+v", r)
	}
}

func TestImportRevokesTheStarOfAnotherHolder(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	j := w.RecordInState(t, qualification.Qualified)
	line := func(name, code, status string) string {
		return header + "other@pec.example,,,,,,active\n" + j.Address + ",person," + name + "," + code +
			",,anna.neri@mail.example," + status + "\n"
	}
	importText(t, w, line("Anna Neri Rossi", storetest.Anna, "active"), counts{qualification.ImportChanged: 1, qualification.ImportMade: 1})
	importText(t, w, line("Anna Neri Rossi", storetest.Anna, "expired"), counts{qualification.ImportChanged: 1, qualification.ImportUnchanged: 1})
	if j.Case().Mailbox.Star == nil {
		t.Error("the star was revoked although the holder is the same")
	}
	importText(t, w, line("Sara Verdi", storetest.Sara, "active"), counts{qualification.ImportRevoked: 1, qualification.ImportUnchanged: 1})
	if c := j.Case(); c.Mailbox.Star != nil || c.Qualification.State != qualification.Revoked || c.Mailbox.Ordinary != "" {
		t.Errorf("%+v of %+v", c.Qualification, c.Mailbox)
	}
}

// A dry run reports the same counts as the import and changes nothing.
func TestDryRunChangesNothing(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	loses, keeps := w.RecordInState(t, qualification.Qualified), w.RecordInState(t, qualification.Qualified)
	importText(t, w, header+"a@pec.example,,,,,,active\nb@pec.example,,,,,,active\nc@pec.example,,,,,,active\n",
		counts{qualification.ImportMade: 3})
	storetest.Must(t, w.Cases.Delete(t.Context(), "tests", "c@pec.example"))
	text := header + "a@pec.example,,,,,,active\nb@pec.example,,,,,,expired\nc@pec.example,,,,,,active\n" +
		"d@pec.example,,,,,,active\nd@pec.example,,,,,,active\n" +
		loses.Address + ",person,Sara Verdi," + storetest.Sara + ",,,active\n" + keeps.Address + ",person,NERI ANNA," +
		storetest.Anna + ",,,active\n"
	want := counts{qualification.ImportMade: 2, qualification.ImportChanged: 2, qualification.ImportRevoked: 1, qualification.ImportUnchanged: 1}
	before := countRecords(t, w)
	for range 2 {
		dryRun := &mailboxImport{cases: w.Cases, operator: "tests", dryRun: true, warnings: io.Discard}
		if err := dryRun.run(t.Context(), strings.NewReader(text)); err == nil || err.Error() != "1 line was rejected" {
			t.Errorf("the dry run returns %v", err)
		}
		if fmt.Sprint(dryRun.done) != fmt.Sprint(want) {
			t.Errorf("the dry run counts %v, want %v", dryRun.done, want)
		}
		var out bytes.Buffer
		if dryRun.report(&out); out.String() != "2 made\n2 changed\n1 revoked\n1 unchanged\nnothing was changed: this is a dry run\n" {
			t.Errorf("the report is %s", &out)
		}
	}
	if n := countRecords(t, w); n != before || loses.Case().Mailbox.Star == nil || !mailboxAt(t, w, "c@pec.example").Deleted() {
		t.Errorf("after the dry run: %d records, before %d", n, before)
	}
	importText(t, w, text, want, "line 6: address: already on line 5")
	if loses.Case().Mailbox.Star != nil || keeps.Case().Mailbox.Star == nil || mailboxAt(t, w, "c@pec.example").Deleted() {
		t.Error("the import did not do what the dry run reported")
	}
}

func TestDryRunOfAnUnreadableFile(t *testing.T) {
	t.Parallel()
	dryRun := &mailboxImport{dryRun: true, warnings: io.Discard}
	if err := dryRun.run(t.Context(), strings.NewReader("name;surname\n")); err == nil {
		t.Fatal("a file with another header is accepted")
	}
	var out bytes.Buffer
	if dryRun.report(&out); out.Len() > 0 {
		t.Errorf("the report is %s", &out)
	}
}

// An interrupted import has stored whole chunks. Repeating it completes it.
func TestInterruptedImportCanBeRepeated(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	var text strings.Builder
	text.WriteString(header)
	const many = 4*chunkSize + 17
	for n := range many {
		fmt.Fprintf(&text, "m%d@pec.example,,,,,,active\n", n)
	}
	ctx, stop := context.WithCancel(t.Context())
	feed, in := io.Pipe()
	go io.WriteString(in, text.String()[:text.Len()/2]) // the pipe stays open after half of the file
	i := &mailboxImport{cases: w.Cases, operator: "tests", warnings: io.Discard}
	ended := make(chan error, 1)
	go func() { ended <- i.run(ctx, feed) }()
	storetest.Eventually(t, "the first chunk is stored", func() bool {
		var n int
		storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from mailboxes`).Scan(&n))
		return n > 0
	})
	stop()
	err := <-ended
	want := fmt.Sprintf("interrupted: the lines up to %d are done; to continue, import the file again", i.lastLine)
	if err == nil || err.Error() != want {
		t.Errorf("the import returns %v", err)
	}
	w.Pool().Reset() // running transactions end
	var stored int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from mailboxes`).Scan(&stored))
	if stored == 0 || stored%chunkSize != 0 || stored < i.lastLine-1 {
		t.Errorf("%d mailboxes are stored, done up to line %d", stored, i.lastLine)
	}
	importText(t, w, text.String(), counts{qualification.ImportUnchanged: stored, qualification.ImportMade: many - stored})
}

// stopper stops an import when it reports the first invalid line.
type stopper struct{ stop func() }

func (s stopper) Write(p []byte) (int, error) {
	s.stop()
	return len(p), nil
}

func TestInterruptionIsReported(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	text := header + strings.Repeat("no address,,,,,,active\n", 2*chunkSize)
	for range 8 {
		ctx, stop := context.WithCancel(t.Context())
		i := &mailboxImport{cases: w.Cases, operator: "tests", dryRun: true, warnings: stopper{sync.OnceFunc(func() {
			stop()
			time.Sleep(20 * time.Millisecond) // until the reader notices
		})}}
		if err := i.run(ctx, strings.NewReader(text)); err == nil || err.Error() != "interrupted" {
			t.Errorf("the import returns %v", err)
		}
	}
}

// Holders can proceed during an import, and two imports of the same file do not block
// each other.
func TestConcurrentImportsAndHolders(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	var journeys []*storetest.Journey
	var first, second strings.Builder
	first.WriteString(header)
	second.WriteString(header)
	for range 6 {
		journeys = append(journeys, w.Record(t, storetest.AnnasRecord))
	}
	lines := []string{}
	for n := range 3 * chunkSize {
		lines = append(lines, fmt.Sprintf("m%d@pec.example,,,,,,active\n", n))
		if n%1000 == 0 {
			j := journeys[n/1000%len(journeys)]
			if n < 1000*len(journeys) {
				lines = append(lines, j.Address+",person,NERI ANNA,"+storetest.Anna+",,anna.neri@mail.example,active\n")
			}
		}
	}
	for n := range lines { // the second file has the reverse order
		first.WriteString(lines[n])
		second.WriteString(lines[len(lines)-1-n])
	}
	var all sync.WaitGroup
	failed := make([]error, 2)
	for n, text := range []string{first.String(), second.String()} {
		all.Go(func() {
			_, failed[n] = importMailboxes(t.Context(), w.Cases, "tests", strings.NewReader(text), io.Discard)
		})
	}
	for _, j := range journeys {
		j.AdvanceTo(qualification.Qualified)
	}
	all.Wait()
	storetest.Must(t, errors.Join(failed...))
	for _, j := range journeys {
		if c := j.Case(); c.Mailbox.Record.Name != "NERI ANNA" || c.Qualification.State != qualification.Qualified {
			t.Errorf("%s: %+v", c.Qualification.State, c.Mailbox.Record)
		}
	}
	if n := countRecords(t, w); n != 3*chunkSize+2*len(journeys) {
		t.Errorf("%d records", n)
	}
}
