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

// scheme matches the scheme of a URL, for example "postgres://" or "jdbc:postgresql://".
var scheme = regexp.MustCompile(`^(jdbc:)?[a-zA-Z][a-zA-Z0-9+.-]*://`)

// ParseURL parses a connection string: a URL or key=value settings. Its errors do
// not repeat the string, because it may contain a password.
func ParseURL(url string) (*pgxpool.Config, error) {
	if is := scheme.FindString(url); is != "" && is != "postgres://" && is != "postgresql://" {
		return nil, fmt.Errorf("is a URL that begins with %s, and is to begin with postgres://", is)
	}
	config, err := pgxpool.ParseConfig(url)
	var file *fs.PathError
	switch {
	case errors.As(err, &file): // a certificate or a key
		return nil, fmt.Errorf("names a file that cannot be read: %w", file)
	case err != nil:
		return nil, errors.New("cannot be read: want postgres://user@host/database?sslmode=verify-full, " +
			"where a password is percent-encoded, or settings such as host=db1 user=stella dbname=stella")
	}
	return config, nil
}

// secretFile matches a parameter that names a file with a password or a key, in
// a URL or in key=value settings.
var secretFile = regexp.MustCompile(`[?&\s](?:sslkey|passfile)\s*=\s*'?([^'&\s]+)`)

// SecretFiles returns the files that contain a password or a key, as named by the
// URL and by PostgreSQL's environment variables PGSSLKEY and PGPASSFILE.
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

// Where returns the location of a database for logs and messages, as
// user@host:port,host:port/database. It contains no password.
func Where(c *pgxpool.Config) string {
	var hosts []string
	for _, h := range hostsOf(c) {
		address := net.JoinHostPort(h.Host, strconv.Itoa(int(h.Port)))
		if !slices.Contains(hosts, address) { // sslmode=prefer lists each host twice
			hosts = append(hosts, address)
		}
	}
	return c.ConnConfig.User + "@" + strings.Join(hosts, ",") + "/" + c.ConnConfig.Database
}

// Unverified returns a host to which pgx may connect without TLS, or without
// verifying the certificate. Sockets and loopback addresses are exempt. It
// returns "" if there is no such host.
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

// hostsOf returns all hosts to which pgx may connect, each with its TLS
// configuration: the first one and the fallbacks.
func hostsOf(c *pgxpool.Config) []*pgconn.FallbackConfig {
	pg := c.ConnConfig
	return append([]*pgconn.FallbackConfig{{Host: pg.Host, Port: pg.Port, TLSConfig: pg.TLSConfig}}, pg.Fallbacks...)
}
