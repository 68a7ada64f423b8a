package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestAway(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"08006": true,  // connection_failure
		"53300": true,  // too_many_connections
		"57014": true,  // query_canceled, by statement_timeout
		"57P01": true,  // admin_shutdown
		"57P02": true,  // crash_shutdown
		"57P03": true,  // cannot_connect_now
		"58030": true,  // io_error
		"55P03": true,  // lock_not_available, by lock_timeout
		"25006": true,  // read_only_sql_transaction
		"25P03": true,  // idle_in_transaction_session_timeout
		"23505": false, // unique_violation
		"42P01": false, // undefined_table
		"40001": false, // serialization_failure
		"22001": false, // string_data_right_truncation
	} {
		if err := fmt.Errorf("asking: %w", &pgconn.PgError{Code: code}); store.IsUnavailable(err) != want {
			t.Errorf("%s: %v, want %v", code, !want, want)
		}
	}
	for _, err := range []error{nil, workflow.ErrUnknown, qualification.ErrNotOwner, errors.New("x"), context.Canceled, os.ErrNotExist} {
		if store.IsUnavailable(err) {
			t.Errorf("IsUnavailable(%v) is true", err)
		}
	}
}

// Open fails within seconds if the host refuses the connection, or accepts it and
// sends nothing.
func TestOpenFailsIfHostDoesNotAnswer(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	storetest.Must(t, err)
	defer silent.Close()
	for _, host := range []string{"127.0.0.1:1", silent.Addr().String()} {
		_, err := store.Open(t.Context(), "postgres://stella@"+host+"/stella?sslmode=disable", nil)
		if !store.IsUnavailable(err) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// If a connection fails, IsUnavailable recognises the error, and the next connection works.
func TestDatabaseBecomesUnavailable(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, err := store.Open(t.Context(), url+"&pool_max_conns=1", nil)
	storetest.Must(t, err)
	defer s.Close()
	other, err := store.Open(t.Context(), url, nil)
	storetest.Must(t, err)
	defer other.Close()
	unknown := func(ctx context.Context) error {
		_, err := s.MailboxByAddress(ctx, "nobody@pec.example")
		return err
	}
	pid := func() (n int) {
		storetest.Must(t, s.Pool().QueryRow(t.Context(), `select pg_backend_pid()`).Scan(&n))
		return n
	}

	was := pid()
	_, err = other.Pool().Exec(t.Context(), `select pg_terminate_backend($1)`, was)
	storetest.Must(t, err)
	if err := unknown(t.Context()); !store.IsUnavailable(err) && !errors.Is(err, workflow.ErrUnknown) { // the pool may notice first
		t.Errorf("a terminated connection: %v", err)
	}
	if err := unknown(t.Context()); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("the next connection: %v", err)
	}

	// A standby refuses writes. The connection is closed and replaced.
	_, err = s.Pool().Exec(t.Context(), `set default_transaction_read_only = on`)
	storetest.Must(t, err)
	was = pid()
	limit := workflow.Limit{Name: "x", Burst: 1, Span: time.Hour}
	if err := s.Spend(t.Context(), workflow.Spend{Limit: limit, Subject: []byte("x"), Times: 1, At: time.Now()}); !store.IsUnavailable(err) {
		t.Errorf("a write to a standby: %v", err)
	}
	if is := pid(); is == was {
		t.Error("the connection to the standby is still used")
	}

	// All connections are busy.
	held, err := s.Pool().Acquire(t.Context())
	storetest.Must(t, err)
	soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := unknown(soon); !store.IsUnavailable(err) {
		t.Errorf("a pool without a free connection: %v", err)
	}
	held.Release()
	if err := unknown(t.Context()); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("afterwards: %v", err)
	}
}

// The server ends an idle transaction, so that a stopped process does not lock a
// mailbox forever.
func TestIdleTransactionTimeout(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), strings.TrimSuffix(storetest.URL(t), storetest.Parameters), nil)
	storetest.Must(t, err)
	defer s.Close()
	var timeout string
	storetest.Must(t, s.Pool().QueryRow(t.Context(), `show idle_in_transaction_session_timeout`).Scan(&timeout))
	if timeout != "30s" {
		t.Errorf("the timeout is %s, want 30s", timeout)
	}
}
