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

// How long a database that does not answer is waited for. What is asked of it
// is bounded by its context: ten seconds for a page, twenty for a job.
const (
	openPatience    = 10 * time.Second // at the start of a process
	connectPatience = 2 * time.Second  // for each host of the URL, unless that says connect_timeout
	pingPatience    = 2 * time.Second  // for a connection that was idle
	silencePatience = 10 * time.Second // with a host that acknowledges nothing, where no context bounds it
)

// impatient makes connections that notice a vanished host within seconds, and
// that leave a host which turned into a standby. A transaction of a process that
// was stopped, or whose host vanished, lets go of its mailbox within a minute.
func impatient(c *pgxpool.Config) {
	pg := &c.ConnConfig.Config
	if pg.ConnectTimeout == 0 {
		pg.ConnectTimeout = connectPatience
	}
	alive := net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}
	pg.DialFunc = (&net.Dialer{Timeout: pg.ConnectTimeout, KeepAliveConfig: alive, Control: endSilent}).DialContext
	for name, value := range map[string]string{
		"idle_in_transaction_session_timeout": "30s",
		"tcp_keepalives_idle":                 "20", // seconds, seen from the server
		"tcp_keepalives_interval":             "5",
		"tcp_keepalives_count":                "3",
		"tcp_user_timeout":                    "30s",
	} {
		if _, said := pg.RuntimeParams[name]; !said {
			pg.RuntimeParams[name] = value
		}
	}
	refuses := pg.OnPgError
	pg.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		return err.Code != readOnly && refuses(conn, err)
	}
	c.PingTimeout = pingPatience
	c.HealthCheckPeriod = 5 * time.Second
}

const readOnly = "25006" // read_only_sql_transaction: the host is a standby now

// Away reports whether an error is that of a database which cannot be reached,
// or not be asked for the moment: what was asked may be asked again. Nothing that
// was answered is lost; whether a step whose commit met such an error was made,
// the next page shows.
func Away(err error) bool {
	var unreached *pgconn.ConnectError
	if errors.As(err, &unreached) {
		return true
	}
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return away(said.Code)
	}
	var network net.Error
	return errors.As(err, &network) ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, context.DeadlineExceeded)
}

// away tells the codes (PostgreSQL, appendix A) of a server that is not there for
// us: no connection, no resources, an operator's intervention, a failure of its
// system, a lock that was waited for too long, a host that became a standby.
func away(code string) bool {
	switch code {
	case readOnly, "55P03", "25P03", "25P04": // the last two: sessions ended for their transactions
		return true
	}
	for _, class := range []string{"08", "53", "57", "58"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}
