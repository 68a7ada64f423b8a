package main

import (
	"errors"
	"flag"
	"net/url"
	"strings"
)

// A running is a Stella that was started before. It uses the identity provider and the
// relay of this program.
type running struct {
	url      string
	tokens   string
	relay    string
	database string
	pid      int
	postgres int
	first    int
}

func (r *running) add(f *flag.FlagSet) {
	f.StringVar(&r.url, "url", "", "URL of a Stella that runs already, instead of -stella; it trusts the X-Forwarded-For of this machine")
	f.StringVar(&r.tokens, "token", "", "with -url: tokens of webmail clients with the return URL "+returnURL+", separated by commas")
	f.StringVar(&r.relay, "relay", "", "with -url: the URL that \"stella-bench relay\" prints")
	f.StringVar(&r.database, "database", "", "with -url: URL of its database, which has the extension pg_stat_statements")
	f.IntVar(&r.pid, "pid", 0, "with -url: its process, if it runs on this machine")
	f.IntVar(&r.postgres, "postgres-pid", 0, "with -url: the first process of its PostgreSQL, if it runs on this machine")
	f.IntVar(&r.first, "first", 0, "with -url: number of mailboxes that earlier runs have used")
}

// subject returns the running program.
func (r running) subject(w *world, o options) (*subject, error) {
	if r.tokens == "" || r.relay == "" {
		return nil, errors.New("-url needs -token and -relay")
	}
	s := &subject{name: o.name, world: w, observed: r.database, pid: r.pid, postgres: r.postgres,
		tokens: strings.Split(r.tokens, ","), imported: o.mailboxes}
	s.used.Store(int64(r.first))
	if r.database != "" {
		u, err := url.Parse(r.database)
		if err != nil {
			return nil, errors.New("-database is not a URL")
		}
		s.database = strings.TrimPrefix(u.Path, "/")
	}
	return s, nil
}
