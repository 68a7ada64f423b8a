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
)

const header = "address,kind,name,fiscal_code,representatives,email,status\n"

type counts = map[workflow.Recorded]int

// take imports a text and compares what was done and what was told of wrong
// lines, each by its beginning.
func take(t *testing.T, w *storetest.World, text string, want counts, wrong ...string) {
	t.Helper()
	var told bytes.Buffer
	done, err := importMailboxes(t.Context(), w.Procedure, "tests", strings.NewReader(text), &told)
	if (err != nil) != (len(wrong) > 0) {
		t.Fatalf("the end is %v, with %q", err, told.String())
	}
	got := strings.Split(strings.TrimSuffix(told.String(), "\n"), "\n")
	if told.Len() == 0 && err != nil { // of the file, not of a line
		got = []string{err.Error()}
	}
	for i, line := range wrong {
		if len(got) != len(wrong) || !strings.HasPrefix(got[i], line) {
			t.Fatalf("it tells\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wrong, "\n"))
		}
	}
	for _, what := range []workflow.Recorded{workflow.RecordMade, workflow.RecordChanged, workflow.RecordUnchanged, workflow.RecordRevoked} {
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

func TestMailboxesAreImported(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	take(t, w, goodFile, counts{workflow.RecordMade: 3})
	if m := mailboxAt(t, w, "anna.neri@pec.example"); m.Record.FiscalCode != storetest.Anna || m.Record.Email != "anna.neri@mail.example" ||
		m.Status != workflow.Active || m.Record.ImportedBy != "tests" {
		t.Errorf("%+v", m)
	}
	r := mailboxAt(t, w, "officine@pec.example").Record
	if r.Name != "Officine Bianchi, S.r.l." || len(r.Representatives) != 2 || r.Representatives[1] != (workflow.Representative{FiscalCode: storetest.Sara, Name: "Sara Verdi"}) {
		t.Errorf("%+v", r)
	}

	changed := strings.Replace(goodFile, "Luca Bianchi; VRDSRA82E50L219E  Sara Verdi ", "Luca Bianchi", 1)
	changed = strings.Replace(changed, "nobody@pec.example,,,,,,active", "nobody@pec.example,,,,,,cancelled", 1)
	take(t, w, changed, counts{workflow.RecordChanged: 2, workflow.RecordUnchanged: 1})
	if m := mailboxAt(t, w, "nobody@pec.example"); m.Status != workflow.Cancelled {
		t.Errorf("%+v", m)
	}
	// Two companies may have one VAT number, as a group does.
	take(t, w, strings.TrimSuffix(header, "\n")+",vat_number\n"+
		"uno@pec.example,company,Gruppo Uno,00743110157,,,active,02468135799\ndue@pec.example,company,Gruppo Due,00488410010,,,active,02468135799\n",
		counts{workflow.RecordMade: 2})
	// With a VAT number, which counts as the company's code too.
	vat := strings.TrimSuffix(header, "\n") + ",vat_number\n" + "ditta@pec.example,company,Ditta,NRENNA80A41H501T,,,active,09876543217\n"
	take(t, w, vat, counts{workflow.RecordMade: 1})
	if r := mailboxAt(t, w, "ditta@pec.example").Record; r.VATNumber != "09876543217" {
		t.Errorf("%+v", r)
	}
}

func TestAnImportTakesTheStarOfAnotherHolder(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	j := w.Reach(t, workflow.Qualified)
	line := func(name, code, status string) string {
		return header + "other@pec.example,,,,,,active\n" + j.Address + ",person," + name + "," + code + ",,anna.neri@mail.example," + status + "\n"
	}
	take(t, w, line("Anna Neri Rossi", storetest.Anna, "active"), counts{workflow.RecordChanged: 1, workflow.RecordMade: 1})
	take(t, w, line("Anna Neri Rossi", storetest.Anna, "expired"), counts{workflow.RecordChanged: 1, workflow.RecordUnchanged: 1})
	if j.Case().Mailbox.Star == nil {
		t.Error("the star went, and the holder is the same")
	}
	take(t, w, line("Sara Verdi", storetest.Sara, "active"), counts{workflow.RecordRevoked: 1, workflow.RecordUnchanged: 1})
	if c := j.Case(); c.Mailbox.Star != nil || c.Qualification.State != workflow.Revoked || c.Mailbox.Ordinary != "" {
		t.Errorf("%+v of %+v", c.Qualification, c.Mailbox)
	}
}

// What would be done is what is done.
func TestATrialChangesNothing(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	loses, keeps := w.Reach(t, workflow.Qualified), w.Reach(t, workflow.Qualified)
	take(t, w, header+"a@pec.example,,,,,,active\nb@pec.example,,,,,,active\nc@pec.example,,,,,,active\n", counts{workflow.RecordMade: 3})
	storetest.Must(t, w.Procedure.Delete(t.Context(), "tests", "c@pec.example"))
	text := header + "a@pec.example,,,,,,active\nb@pec.example,,,,,,expired\nc@pec.example,,,,,,active\nd@pec.example,,,,,,active\nd@pec.example,,,,,,active\n" +
		loses.Address + ",person,Sara Verdi," + storetest.Sara + ",,,active\n" + keeps.Address + ",person,NERI ANNA," + storetest.Anna + ",,,active\n"
	want := counts{workflow.RecordMade: 2, workflow.RecordChanged: 2, workflow.RecordRevoked: 1, workflow.RecordUnchanged: 1}
	before := countRecords(t, w)
	for range 2 {
		trial := &mailboxImport{procedure: w.Procedure, operator: "tests", trial: true, told: io.Discard}
		if err := trial.run(t.Context(), strings.NewReader(text)); err == nil || err.Error() != "1 line was rejected" {
			t.Errorf("the trial ends with %v", err)
		}
		if fmt.Sprint(trial.done) != fmt.Sprint(want) {
			t.Errorf("it would be %v, want %v", trial.done, want)
		}
		var out bytes.Buffer
		if trial.report(&out); out.String() != "2 made\n2 changed\n1 revoked\n1 unchanged\nnothing was changed: this is what would be\n" {
			t.Errorf("it says %s", &out)
		}
	}
	if n := countRecords(t, w); n != before || loses.Case().Mailbox.Star == nil || !mailboxAt(t, w, "c@pec.example").Deleted() {
		t.Errorf("the trial left %d records of %d", n, before)
	}
	take(t, w, text, want, "line 6: address: it stands on line 5 too")
	if loses.Case().Mailbox.Star != nil || keeps.Case().Mailbox.Star == nil || mailboxAt(t, w, "c@pec.example").Deleted() {
		t.Error("it was not done")
	}
}

func TestATrialOfAnUnreadableFileReportsNothing(t *testing.T) {
	t.Parallel()
	trial := &mailboxImport{trial: true, told: io.Discard}
	if err := trial.run(t.Context(), strings.NewReader("name;surname\n")); err == nil {
		t.Fatal("a file with another header is taken")
	}
	var out bytes.Buffer
	if trial.report(&out); out.Len() > 0 {
		t.Errorf("it reports %s", &out)
	}
}

// What was done is whole chunks, whenever it ends.
func TestAnInterruptedImportGoesOn(t *testing.T) {
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
	go io.WriteString(in, text.String()[:text.Len()/2]) // half of it comes, and then nothing more
	i := &mailboxImport{procedure: w.Procedure, operator: "tests", told: io.Discard}
	ended := make(chan error, 1)
	go func() { ended <- i.run(ctx, feed) }()
	storetest.Eventually(t, "the first chunk is there", func() bool {
		var n int
		storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from mailboxes`).Scan(&n))
		return n > 0
	})
	stop()
	err := <-ended
	want := fmt.Sprintf("interrupted: the lines up to %d were taken; to go on, import the file again", i.last)
	if err == nil || err.Error() != want {
		t.Errorf("the end is %v", err)
	}
	w.Pool().Reset() // what was under way has ended
	var there int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from mailboxes`).Scan(&there))
	if there == 0 || there%chunkSize != 0 || there < i.last-1 {
		t.Errorf("%d mailboxes are there, up to line %d", there, i.last)
	}
	take(t, w, text.String(), counts{workflow.RecordUnchanged: there, workflow.RecordMade: many - there})
}

// stopper stops an import when it tells of the first wrong line.
type stopper struct{ stop func() }

func (s stopper) Write(p []byte) (int, error) {
	s.stop()
	return len(p), nil
}

func TestAnInterruptionIsNotTakenForTheEnd(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	text := header + strings.Repeat("no address,,,,,,active\n", 2*chunkSize)
	for range 8 {
		ctx, stop := context.WithCancel(t.Context())
		i := &mailboxImport{procedure: w.Procedure, operator: "tests", trial: true, told: stopper{sync.OnceFunc(func() {
			stop()
			time.Sleep(20 * time.Millisecond) // in which the reader notices
		})}}
		if err := i.run(ctx, strings.NewReader(text)); err == nil || err.Error() != "interrupted" {
			t.Errorf("the end is %v", err)
		}
	}
}

// Holders go on while mailboxes are imported, and two imports of the same file
// do not get in each other's way.
func TestImportsAndHoldersAtOnce(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	var walkers []*storetest.Journey
	var first, second strings.Builder
	first.WriteString(header)
	second.WriteString(header)
	for range 6 {
		walkers = append(walkers, w.Record(t, storetest.AnnasRecord))
	}
	lines := []string{}
	for n := range 3 * chunkSize {
		lines = append(lines, fmt.Sprintf("m%d@pec.example,,,,,,active\n", n))
		if n%1000 == 0 {
			j := walkers[n/1000%len(walkers)]
			if n < 1000*len(walkers) {
				lines = append(lines, j.Address+",person,NERI ANNA,"+storetest.Anna+",,anna.neri@mail.example,active\n")
			}
		}
	}
	for n := range lines { // one forwards, one backwards
		first.WriteString(lines[n])
		second.WriteString(lines[len(lines)-1-n])
	}
	var all sync.WaitGroup
	failed := make([]error, 2)
	for n, text := range []string{first.String(), second.String()} {
		all.Go(func() {
			_, failed[n] = importMailboxes(t.Context(), w.Procedure, "tests", strings.NewReader(text), io.Discard)
		})
	}
	for _, j := range walkers {
		j.To(workflow.Qualified)
	}
	all.Wait()
	storetest.Must(t, errors.Join(failed...))
	for _, j := range walkers {
		if c := j.Case(); c.Mailbox.Record.Name != "NERI ANNA" || c.Qualification.State != workflow.Qualified {
			t.Errorf("%s: %+v", c.Qualification.State, c.Mailbox.Record)
		}
	}
	if n := countRecords(t, w); n != 3*chunkSize+2*len(walkers) {
		t.Errorf("%d records", n)
	}
}
