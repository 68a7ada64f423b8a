package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stella/store"
	"stella/store/localpg"
)

// database says where the data are: a PostgreSQL given by its URL, or else a
// private one in a folder.
type database struct {
	URL string `name:"database-url" env:"STELLA_DATABASE_URL" placeholder:"URL" help:"PostgreSQL to use, such as postgres://stella@db1,db2/stella?sslmode=verify-full&target_session_attrs=read-write. Without it Stella runs a private one."`
	Dir string `env:"STELLA_DIR" type:"path" placeholder:"DIR" help:"Folder of the private PostgreSQL and other data (default: ${default_dir})."`
}

// defaultDir is where the data are kept when nothing says otherwise.
func defaultDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/stella"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "stella")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "stella-data"
	}
	return filepath.Join(home, ".local", "share", "stella")
}

func (d database) dir() string {
	if d.Dir != "" {
		return d.Dir
	}
	return defaultDir()
}

// check reads the URL, without going there.
func (d database) check() error {
	if d.URL == "" {
		return nil
	}
	_, err := pgxpool.ParseConfig(d.URL)
	return err
}

// opened is a database in use.
type opened struct {
	*store.Store
	cluster *localpg.Cluster // nil when it is somebody else's
	where   string           // for people
}

// open connects to the database, starting the private one if it is that. The
// schema of a private one is ours to keep up to date.
func (d database) open(ctx context.Context, recipient age.Recipient) (*opened, error) {
	if d.URL != "" {
		s, err := store.Open(ctx, d.URL, recipient)
		if err != nil {
			return nil, err
		}
		return &opened{Store: s, where: "PostgreSQL at " + withoutPassword(d.URL)}, nil
	}
	cluster, err := localpg.Start(ctx, localpg.Options{Dir: d.dir()})
	if err != nil {
		return nil, fmt.Errorf("starting the private PostgreSQL: %w", err)
	}
	o := &opened{cluster: cluster, where: "private PostgreSQL in " + d.dir()}
	if err := o.prepare(ctx, recipient); err != nil {
		return nil, fmt.Errorf("%w (and stopping it: %v)", err, cluster.Stop())
	}
	return o, nil
}

// use is open for the operator's commands, which need the schema of this
// program.
func (d database) use(ctx context.Context) (*opened, error) {
	o, err := d.open(ctx, nil)
	if err != nil {
		return nil, err
	}
	if err := checkSchema(ctx, o.Store); err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

func checkSchema(ctx context.Context, s *store.Store) error {
	err := s.CheckSchema(ctx)
	if errors.Is(err, store.ErrPending) {
		return fmt.Errorf("%w: run \"stella migrate\" first", err)
	}
	return err
}

// prepare makes the database of a private PostgreSQL when it is not there.
func (o *opened) prepare(ctx context.Context, recipient age.Recipient) error {
	admin, err := pgx.Connect(ctx, o.cluster.URL("postgres"))
	if err != nil {
		return fmt.Errorf("reaching the private PostgreSQL: %w", err)
	}
	defer admin.Close(ctx)
	// One at a time: two commands may be the first ones at once.
	if _, err := admin.Exec(ctx, `select pg_advisory_lock(7357)`); err != nil {
		return fmt.Errorf("locking the private PostgreSQL: %w", err)
	}
	var there bool
	err = admin.QueryRow(ctx, `select exists (select from pg_database where datname = 'stella')`).Scan(&there)
	if err == nil && !there {
		_, err = admin.Exec(ctx, `create database stella`)
	}
	if err != nil {
		return fmt.Errorf("making the database: %w", err)
	}
	if o.Store, err = store.Open(ctx, o.cluster.URL("stella"), recipient); err != nil {
		return err
	}
	_, err = o.Store.Migrate(ctx)
	return err
}

// close ends the connections, and the private PostgreSQL if we started it.
func (o *opened) close() error {
	o.Store.Close()
	if o.cluster == nil {
		return nil
	}
	return o.cluster.Stop()
}

func withoutPassword(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "the URL given"
	}
	return u.Redacted()
}
