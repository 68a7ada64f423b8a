package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"time"

	"stella/cmd/stella/config"
	"stella/cmd/stella/service"
	"stella/store"
	"stella/workflow"
)

type serveCommand struct {
	config.Config
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
	db, err := s.Database.OpenExclusive(ctx, s.Recipient)
	if err != nil {
		return err
	}
	log.Info("database", "where", db.Where)
	err = errors.Join(serve(ctx, s, db.Store, log), db.Close())
	log.Info("stopped")
	return err
}

func serve(ctx context.Context, s *config.Settings, db *store.Store, log *slog.Logger) error {
	if err := checkDatabase(ctx, db, log); err != nil {
		return err
	}
	if err := warnOutdated(ctx, db, s.Keys, log); err != nil {
		return err
	}
	if s.Site.SampleContract {
		log.Warn("the contract notice is a sample, for a trial: set STELLA_CONTRACT_DIR to your own")
	}
	running, err := service.New(s, db, version, log)
	if err != nil {
		return err
	}
	l, err := service.Listen(s.Listen)
	if err != nil {
		return err
	}
	if s.Metrics != "" {
		m, err := net.Listen("tcp", s.Metrics)
		if err != nil {
			return err
		}
		log.Info("serving metrics", "listen", m.Addr().String())
		server := service.NewServer(running.Metrics, log)
		go server.Serve(m)
		defer server.Close()
	}
	log.Info("serving", "url", s.PublicURL.String(), "listen", l.Addr().String(), "version", version)
	return running.Run(ctx, l)
}

// checkDatabase returns an error if the service cannot work with the database. It logs a
// warning if the role has more rights than the service needs.
func checkDatabase(ctx context.Context, db *store.Store, log *slog.Logger) error {
	if err := db.CheckServer(ctx); err != nil {
		return err
	}
	if err := config.CheckSchema(ctx, db); err != nil {
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
