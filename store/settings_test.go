package store_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// The store works with unusual settings of the database, which change the format of
// values or the search path.
func TestDatabaseWithUnusualSettings(t *testing.T) {
	t.Parallel()
	ctx, url := t.Context(), storetest.EmptyURL(t)
	admin, err := pgx.Connect(ctx, url)
	storetest.Must(t, err)
	defer admin.Close(ctx)
	for _, sql := range []string{
		`create schema "Stella und Söhne"`,
		`create table public.mailboxes (address int)`, // a table of another program
		`set search_path = "Stella und Söhne"`,
	} {
		_, err := admin.Exec(ctx, sql)
		storetest.Must(t, err)
	}
	for name, value := range map[string]string{
		"search_path":                   `"Stella und Söhne"`,
		"DateStyle":                     "'German, DMY'",
		"IntervalStyle":                 "'sql_standard'",
		"timezone":                      "'Pacific/Kiritimati'",
		"bytea_output":                  "'escape'",
		"standard_conforming_strings":   "off",
		"escape_string_warning":         "off",
		"extra_float_digits":            "0",
		"lc_messages":                   "'C'",
		"default_transaction_isolation": "'serializable'",
		"array_nulls":                   "on",
		"row_security":                  "on",
	} {
		_, err := admin.Exec(ctx, `do $do$ begin
			execute format('alter database %I set `+name+` = %s', current_database(), $$`+value+`$$);
		end $do$`)
		storetest.Must(t, err)
	}
	s, err := store.Open(ctx, url, storetest.Auditor.Recipient())
	storetest.Must(t, err)
	t.Cleanup(s.Close)
	_, err = s.Migrate(ctx)
	storetest.Must(t, err)
	storetest.Must(t, s.CheckSchema(ctx))

	w := storetest.WorldIn(t, s)
	company := storetest.BianchisRecord
	company.Name = `Officine \ "Bianchi" & Figli n° 1, l'ultima \'`
	company.Representatives = []workflow.Representative{{FiscalCode: storetest.Luca, Name: `Luca \ "Bianchi"`}}
	got := w.Record(t, company).Case().Mailbox.Record
	if got.Name != company.Name || got.Representatives[0] != company.Representatives[0] || !got.ImportedAt.Equal(w.Clock.Now()) {
		t.Errorf("the record is %+v", got)
	}
	j := w.Record(t, storetest.AnnasRecord).AdvanceTo(qualification.Invited)
	j.Visitor = j.Accept()
	j.AdvanceTo(qualification.Qualified)
	c := j.Case()
	if c.Mailbox.Star == nil || !c.Qualification.SteppedAt.Equal(w.Clock.Now()) {
		t.Errorf("the case is %+v", c.Qualification)
	}
	if got := j.Mails(); len(got) == 0 || !strings.HasPrefix(got[0], "invitation ") {
		t.Errorf("the mails are %v", got)
	}
	standing, err := w.SummaryOf(ctx, j.Address)
	if err != nil || !standing.Since.Equal(w.Clock.Now()) {
		t.Errorf("the standing is %+v, %v", standing, err)
	}
	archived, err := s.OpenArchive(ctx, c.Qualification.Login.ID, storetest.Auditor)
	if err != nil || len(archived) == 0 || len(archived[0].Body) == 0 {
		t.Errorf("the archive has %d messages, %v", len(archived), err)
	}
}

// A password may contain any character, and a host may be an IPv6 address.
func TestParseURL(t *testing.T) {
	t.Parallel()
	for url, password := range map[string]string{
		"postgres://stella:p%23%25%40%2F%3A%3F%20%C3%B2@[::1]:5433/stella": "p#%@/:? ò",
		"host=::1 port=5433 user=stella dbname=stella password='p#% @\\''": "p#% @'",
	} {
		c, err := store.ParseURL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		got := c.ConnConfig
		if got.Password != password || got.Host != "::1" || got.Port != 5433 || got.User != "stella" || got.Database != "stella" {
			t.Errorf("%s is parsed as password %q, host %q, port %d, user %q, database %q",
				url, got.Password, got.Host, got.Port, got.User, got.Database)
		}
		if got := store.Where(c); got != "stella@[::1]:5433/stella" {
			t.Errorf("Where of %s is %s", url, got)
		}
	}
}
