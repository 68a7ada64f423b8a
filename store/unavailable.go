package store

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Timeouts of connections. Queries have the deadline of their context: ten seconds
// for a page, twenty for a job.
const (
	openTimeout       = 10 * time.Second // for Open, at the start of a process
	connectTimeout    = 2 * time.Second  // for each host of the URL, unless the URL sets connect_timeout
	pingTimeout       = 2 * time.Second  // for an idle connection, before it is used
	silentHostTimeout = 10 * time.Second // for a host that acknowledges nothing, if the context has no deadline
)

// withTimeouts sets timeouts on both sides of the connections, so that they fail
// within seconds if the server's host disappears, and the server releases the row
// locks within a minute if the client's process stops or its host disappears. It
// also closes a connection if its host has become a standby.
func withTimeouts(c *pgxpool.Config) {
	pg := &c.ConnConfig.Config
	if pg.ConnectTimeout == 0 {
		pg.ConnectTimeout = connectTimeout
	}
	alive := net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}
	pg.DialFunc = (&net.Dialer{Timeout: pg.ConnectTimeout, KeepAliveConfig: alive, Control: setTCPUserTimeout}).DialContext
	for name, value := range map[string]string{
		"idle_in_transaction_session_timeout": "30s",
		"tcp_keepalives_idle":                 "20", // seconds, on the server's side
		"tcp_keepalives_interval":             "5",
		"tcp_keepalives_count":                "3",
		"tcp_user_timeout":                    "30s",
	} {
		if _, set := pg.RuntimeParams[name]; !set {
			pg.RuntimeParams[name] = value
		}
	}
	onPgError := pg.OnPgError
	pg.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		return err.Code != readOnly && onPgError(conn, err)
	}
	c.PingTimeout = pingTimeout
	c.HealthCheckPeriod = 5 * time.Second
}

const readOnly = "25006" // read_only_sql_transaction: the host has become a standby

// IsUnavailable reports whether an error means that the database is unavailable: it cannot
// be reached, or cannot serve the query for now. The operation may be repeated. If
// a commit fails with such an error, the transaction may have been committed or
// not; the next read shows which.
func IsUnavailable(err error) bool {
	var connectErr *pgconn.ConnectError
	if errors.As(err, &connectErr) {
		return true
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return isUnavailableCode(pgErr.Code)
	}
	var netErr net.Error
	return errors.As(err, &netErr) ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, context.DeadlineExceeded)
}

// isUnavailableCode reports whether an SQLSTATE (PostgreSQL documentation,
// appendix A) means that the server is unavailable: connection exceptions,
// insufficient resources, operator intervention, system errors, a lock timeout, a
// host that has become a standby.
func isUnavailableCode(code string) bool {
	switch code {
	case readOnly, "55P03", "25P03", "25P04": // the last two: transaction timeouts that ended the session
		return true
	}
	for _, class := range []string{"08", "53", "57", "58"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}
