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
	return "Every flag can be given by the variable that stands beside it. Everything missing or wrong is told at once."
}

func (c serveCommand) Run(ctx context.Context) error {
	s, err := c.Check()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	db, err := s.database.own(ctx, s.recipient)
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
	if err := nameOutdated(ctx, db, s.keys, log); err != nil {
		return err
	}
	if s.site.SampleContract {
		log.Warn("the contract notice is a sample, for trying things out: give your own in STELLA_CONTRACT_DIR")
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

// checkDatabase refuses a database that the service cannot work with, and warns
// of a role that may do more than the service needs.
func checkDatabase(ctx context.Context, db *store.Store, log *slog.Logger) error {
	if err := db.CheckServer(ctx); err != nil {
		return err
	}
	if err := checkSchema(ctx, db); err != nil {
		return err
	}
	may, err := db.MayDelete(ctx)
	if may {
		log.Warn("the service connects to the database as a role that could delete evidence: give it another, by \"stella migrate --grant ROLE\"")
	}
	return err
}

// nameOutdated logs which webhooks must be rotated before a former key goes, and
// which can no longer be sent to, as their key is gone.
func nameOutdated(ctx context.Context, db *store.Store, keys workflow.Keys, log *slog.Logger) error {
	hooks, err := db.Webhooks(ctx)
	for _, w := range hooks {
		if w.DisabledAt.IsZero() && w.Outdated(keys) {
			log.Warn("the secret of a webhook was made under a former key: run \"stella webhook rotate\" before that key is removed",
				"webhook", w.ID, "client", w.Client, "key_removed", len(w.Secrets(keys, time.Now())) == 0)
		}
	}
	return err
}

// own opens the database for a process that stays. A private PostgreSQL ends
// with the process that started it, so that one which another process runs
// would vanish: a short command's is waited for.
func (d database) own(ctx context.Context, recipient age.Recipient) (*opened, error) {
	const patience = 5 * time.Second
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		db, err := d.open(ctx, recipient)
		if err != nil || db.cluster == nil || !db.cluster.Joined() {
			return db, err
		}
		if err := db.close(); err != nil {
			return nil, err
		}
		if time.Since(began) > patience {
			return nil, fmt.Errorf("another stella runs on the data in %s: stop it, or use another --dir", d.dir())
		}
	}
}
