package store

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// scheme is how a URL of a database begins, also one of JDBC's.
var scheme = regexp.MustCompile(`^(jdbc:)?[a-zA-Z][a-zA-Z0-9+.-]*://`)

// ParseURL reads where a database is, from a URL or from key=value settings. Its
// errors repeat nothing of what was given, which may hold a password.
func ParseURL(url string) (*pgxpool.Config, error) {
	if is := scheme.FindString(url); is != "" && is != "postgres://" && is != "postgresql://" {
		return nil, fmt.Errorf("is a URL that begins with %s, and is to begin with postgres://", is)
	}
	config, err := pgxpool.ParseConfig(url)
	var file *fs.PathError
	switch {
	case errors.As(err, &file): // of a certificate or a key
		return nil, fmt.Errorf("names a file that cannot be read: %w", file)
	case err != nil:
		return nil, errors.New("cannot be read: want postgres://user@host/database?sslmode=verify-full, " +
			"where a password is percent-encoded, or settings such as host=db1 user=stella dbname=stella")
	}
	return config, nil
}

// secretFile is a file with a password or a key, in a URL or in settings.
var secretFile = regexp.MustCompile(`[?&\s](?:sslkey|passfile)\s*=\s*'?([^'&\s]+)`)

// SecretFiles are the files by which a URL, or the environment as PostgreSQL's own
// programs read it, gives a password or a key.
func SecretFiles(url string) (files []string) {
	for _, m := range secretFile.FindAllStringSubmatch(" "+url, -1) {
		files = append(files, m[1])
	}
	for _, name := range []string{"PGSSLKEY", "PGPASSFILE"} {
		if file := os.Getenv(name); file != "" {
			files = append(files, file)
		}
	}
	return files
}

// Where says for people where a database is: user, hosts, ports and database.
func Where(c *pgxpool.Config) string {
	var hosts []string
	for _, h := range hostsOf(c) {
		address := net.JoinHostPort(h.Host, strconv.Itoa(int(h.Port)))
		if !slices.Contains(hosts, address) { // sslmode=prefer tries each twice
			hosts = append(hosts, address)
		}
	}
	return c.ConnConfig.User + "@" + strings.Join(hosts, ",") + "/" + c.ConnConfig.Database
}

// Unverified returns a host that a connection may go to without TLS, or without
// its certificate being verified. Sockets and loopback need none. It returns ""
// if there is no such host.
func Unverified(c *pgxpool.Config) string {
	for _, h := range hostsOf(c) {
		ip := net.ParseIP(h.Host)
		here := strings.HasPrefix(h.Host, "/") || h.Host == "localhost" || ip != nil && ip.IsLoopback()
		if !here && (h.TLSConfig == nil || h.TLSConfig.InsecureSkipVerify) {
			return h.Host
		}
	}
	return ""
}

// hostsOf are all hosts that a connection may go to, each with its TLS: those of
// the URL, and what is tried if the first try fails.
func hostsOf(c *pgxpool.Config) []*pgconn.FallbackConfig {
	pg := c.ConnConfig
	return append([]*pgconn.FallbackConfig{{Host: pg.Host, Port: pg.Port, TLSConfig: pg.TLSConfig}}, pg.Fallbacks...)
}
