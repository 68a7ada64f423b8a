package store_test

import (
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"stella/store/storetest"
)

// docs/performance.md lists what each table that a qualification writes pays for.
func TestDocumentationListsIndexesAndConstraints(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	text, err := os.ReadFile("../docs/performance.md")
	storetest.Must(t, err)
	// Each row of the table belongs to the table that was named last.
	listed, table := map[string]bool{}, ""
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			continue
		}
		if name := strings.Trim(cells[1], " `"); name != "" {
			table = name
		}
		for i, name := range strings.Split(cells[2], "`") {
			if i%2 == 1 {
				listed[table+" "+name] = true
			}
		}
	}
	rows, err := s.Pool().Query(t.Context(), `
		select tab::text || ' ' || name
		from (select indrelid::regclass as tab, indexrelid::regclass::text as name from pg_index
		      union
		      select conrelid::regclass, conname from pg_constraint where contype in ('f', 'c')
		      union
		      select tgrelid::regclass, tgname from pg_trigger where not tgisinternal) x
		where tab::text = any($1)`, strings.Fields(`mailboxes qualifications steps declarations logins messages identities codes
			mails mail_queue handoffs sessions limits announcements`))
	storetest.Must(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	storetest.Must(t, err)
	if len(names) < 80 {
		t.Fatalf("there are only %d", len(names))
	}
	for _, name := range names {
		if !listed[name] {
			t.Errorf("docs/performance.md does not list %s", name)
		}
	}
}
