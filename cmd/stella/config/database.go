package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"
	"github.com/alecthomas/kong"

	"stella/store"
	"stella/store/localpg"
)

// Database names the database: a PostgreSQL by its URL, or without a URL a private one
// in a folder.
type Database struct {
	URL      string `name:"database-url" env:"STELLA_DATABASE_URL" placeholder:"URL" help:"PostgreSQL to use, such as postgres://stella@db1,db2/stella?sslmode=verify-full&target_session_attrs=read-write. Without it Stella runs a private PostgreSQL."`
	Insecure bool   `name:"database-insecure" env:"STELLA_DATABASE_INSECURE" help:"Accept a database on another machine without sslmode=verify-full, if no one else can reach the network between."`
	Dir      string `env:"STELLA_DIR" placeholder:"DIR" help:"Folder of the private PostgreSQL and other data (default: ${default_dir})."`
}

// DefaultDir returns the default folder of the data.
func DefaultDir() string {
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

func (d Database) Folder() string {
	if d.Dir != "" {
		return kong.ExpandPath(d.Dir)
	}
	return DefaultDir()
}

// Check checks the URL and the files it names, without connecting. A database on
// another machine needs sslmode=verify-full, unless Insecure is set.
func (d Database) Check() error {
	if d.URL == "" {
		return nil
	}
	config, err := store.ParseURL(d.URL)
	if err != nil {
		return err
	}
	if host := store.Unverified(config); host != "" && !d.Insecure {
		return fmt.Errorf("the connection to %s is not verified by TLS: set sslmode=verify-full in the URL "+
			"(and sslrootcert=FILE for your own authority), "+
			"or STELLA_DATABASE_INSECURE=true if no one else can reach the network between", host)
	}
	for _, file := range store.SecretFiles(d.URL) {
		if _, err := ReadSecret(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// OpenDatabase is an open database.
type OpenDatabase struct {
	*store.Store
	Cluster *localpg.Cluster // the private PostgreSQL; nil if the database has a URL
	Where   string           // description for messages, without the password
}

// Open connects to the database. It starts the private PostgreSQL if no URL is given,
// and migrates its schema. The schema of another database is not changed.
func (d Database) Open(ctx context.Context, recipient age.Recipient) (*OpenDatabase, error) {
	if d.URL == "" {
		o, _, err := d.OpenPrivate(ctx, recipient)
		return o, err
	}
	if err := d.Check(); err != nil {
		return nil, fmt.Errorf("STELLA_DATABASE_URL: %w", err)
	}
	s, err := store.Open(ctx, d.URL, recipient)
	if err != nil {
		return nil, err
	}
	return &OpenDatabase{Store: s, Where: "PostgreSQL at " + store.Where(s.Pool().Config())}, nil
}

// Flags returns the flags of a command that embeds them.
func (d Database) Flags() Database { return d }

// Use is open for the operator's commands. They do not create a database, and need the
// schema of this version.
func (d Database) Use(ctx context.Context) (*OpenDatabase, error) {
	if d.URL == "" && !localpg.Exists(d.Folder()) {
		return nil, fmt.Errorf("there is no database in %s: name --dir or STELLA_DATABASE_URL", d.Folder())
	}
	o, err := d.Open(ctx, nil)
	if err != nil {
		return nil, err
	}
	if err := CheckSchema(ctx, o.Store); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

func CheckSchema(ctx context.Context, s *store.Store) error {
	err := s.CheckSchema(ctx)
	switch {
	case errors.Is(err, store.ErrPending):
		return fmt.Errorf("%w: run \"stella migrate\" first", err)
	case errors.Is(err, store.ErrRights):
		return fmt.Errorf("%w: as the owner of the tables, run \"stella migrate --grant ROLE\"", err)
	}
	return err
}

// Close closes the connections and stops the private PostgreSQL if this process
// started it.
func (o *OpenDatabase) Close() error {
	o.Store.Close()
	if o.Cluster == nil {
		return nil
	}
	return o.Cluster.Stop()
}
