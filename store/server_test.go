package store_test

import (
	"strings"
	"testing"

	"stella/store"
	"stella/store/storetest"
)

func TestReadOnlyServerIsRefused(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), storetest.EmptyURL(t)+"&default_transaction_read_only=on", nil)
	storetest.Must(t, err)
	defer s.Close()
	_, err = s.Migrate(t.Context())
	if err == nil || !strings.Contains(err.Error(), "accepts no writes") ||
		!strings.Contains(err.Error(), "target_session_attrs=read-write") {
		t.Errorf("%v", err)
	}
}

// A database that cannot store "ò" is refused. The error contains a statement that
// creates a suitable database.
func TestOtherEncodingIsRefused(t *testing.T) {
	t.Parallel()
	empty, err := store.Open(t.Context(), storetest.EmptyURL(t), nil)
	storetest.Must(t, err)
	defer empty.Close()
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		name := "in_" + strings.ToLower(encoding)
		_, err = empty.Pool().Exec(t.Context(), "create database "+name+" encoding '"+encoding+"' locale 'C' template template0")
		storetest.Must(t, err)
		s, err := store.Open(t.Context(), storetest.DatabaseURL(name), nil)
		storetest.Must(t, err)
		defer s.Close()
		_, err = s.Migrate(t.Context())
		if err == nil || !strings.Contains(err.Error(), "the encoding of the database is "+encoding) {
			t.Fatalf("%s: %v", encoding, err)
		}
		_, statement, _ := strings.Cut(err.Error(), "\n")
		_, err = empty.Pool().Exec(t.Context(), statement)
		storetest.Must(t, err)
		right, err := store.Open(t.Context(), storetest.DatabaseURL(name+"_utf8"), nil)
		storetest.Must(t, err)
		defer right.Close()
		_, err = right.Migrate(t.Context())
		storetest.Must(t, err)
		var lower string
		storetest.Must(t, right.Pool().QueryRow(t.Context(), `select lower('NICOLÒ')`).Scan(&lower))
		if lower != "nicolò" {
			t.Errorf("%s", lower)
		}
	}
}
