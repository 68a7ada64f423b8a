package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// CheckServer returns an error if the server is read-only, or if the encoding of
// the database is not UTF-8, because then it could not store every name.
func (s *Store) CheckServer(ctx context.Context) error {
	var name, encoding string
	var readOnly bool
	err := s.pool.QueryRow(ctx, `
		select current_database(), current_setting('server_encoding'),
		       pg_is_in_recovery() or current_setting('transaction_read_only')::bool`).Scan(&name, &encoding, &readOnly)
	switch {
	case err != nil:
		return fmt.Errorf("asking what the server can do: %w", err)
	case readOnly:
		return errors.New("the database accepts no writes: it is a standby, or its default_transaction_read_only is on. " +
			"Name the primary too, and target_session_attrs=read-write, by which it is found")
	case encoding != "UTF8":
		return fmt.Errorf("the encoding of the database is %s, and only UTF8 can store every name. Create another with\n%s",
			encoding, RightDatabase(name+"_utf8"))
	}
	return nil
}

// RightDatabase returns the SQL statement that creates a database with the
// encoding and locale that Stella needs.
func RightDatabase(name string) string {
	return "create database " + pgx.Identifier{name}.Sanitize() + " encoding 'UTF8' locale 'C.UTF-8' template template0"
}
