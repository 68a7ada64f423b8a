package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"filippo.io/age"

	"stella/store"
	"stella/workflow"
)

type serveCommand struct {
	config
}

func (serveCommand) Help() string {
	return "Every flag can also be set by the variable next to it. All missing and invalid values are reported at once."
}

func (c serveCommand) Run(ctx context.Context) error {
	s, err := c.Check()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	db, err := s.database.openExclusive(ctx, s.recipient)
	if err != nil {
		return err
	}
	log.Info("database", "where", db.where)
	err = errors.Join(serve(ctx, s, db.Store, log), db.close())
	log.Info("stopped")
	return err
}

func serve(ctx context.Context, s *settings, db *store.Store, log *slog.Logger) error {
	if err := checkDatabase(ctx, db, log); err != nil {
		return err
	}
	if err := warnOutdated(ctx, db, s.keys, log); err != nil {
		return err
	}
	if s.site.SampleContract {
		log.Warn("the contract notice is a sample, for a trial: set STELLA_CONTRACT_DIR to your own")
	}
	service, err := newService(s, db, log)
	if err != nil {
		return err
	}
	l, err := listen(s.listen)
	if err != nil {
		return err
	}
	if s.metrics != "" {
		m, err := net.Listen("tcp", s.metrics)
		if err != nil {
			return err
		}
		log.Info("serving metrics", "listen", m.Addr().String())
		server := newServer(service.metrics, log)
		go server.Serve(m)
		defer server.Close()
	}
	log.Info("serving", "url", s.publicURL.String(), "listen", l.Addr().String(), "version", version)
	return service.run(ctx, l)
}

// checkDatabase returns an error if the service cannot work with the database. It logs a
// warning if the role has more rights than the service needs.
func checkDatabase(ctx context.Context, db *store.Store, log *slog.Logger) error {
	if err := db.CheckServer(ctx); err != nil {
		return err
	}
	if err := checkSchema(ctx, db); err != nil {
		return err
	}
	may, err := db.MayDelete(ctx)
	if may {
		log.Warn("the service connects to the database as a role that could delete evidence: " +
			"use another role, and run \"stella migrate --grant ROLE\"")
	}
	return err
}

// warnOutdated logs the webhooks whose secret depends on an old key. They must be
// rotated before that key is removed. If it is removed already (key_removed), nothing
// can be sent to them.
func warnOutdated(ctx context.Context, db *store.Store, keys workflow.Keys, log *slog.Logger) error {
	hooks, err := db.Webhooks(ctx)
	for _, w := range hooks {
		if w.DisabledAt.IsZero() && w.Outdated(keys) {
			log.Warn("the secret of a webhook depends on an old key: run \"stella webhook rotate\" before that key is removed",
				"webhook", w.ID, "client", w.Client, "key_removed", len(w.Secrets(keys, time.Now())) == 0)
		}
	}
	return err
}

// openExclusive opens the database for a long-running process. A private PostgreSQL
// stops with the process that started it, so this must be our own process. If another
// process runs it, openExclusive waits, since that may be a short command, and returns
// an error after waitTimeout.
func (d database) openExclusive(ctx context.Context, recipient age.Recipient) (*opened, error) {
	const waitTimeout = 5 * time.Second
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		db, err := d.open(ctx, recipient)
		if err != nil || db.cluster == nil || !db.cluster.Joined() {
			return db, err
		}
		if err := db.close(); err != nil {
			return nil, err
		}
		if time.Since(began) > waitTimeout {
			return nil, fmt.Errorf("another stella runs on the data in %s: stop it, or use another --dir", d.dir())
		}
	}
}
