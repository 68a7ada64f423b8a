package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
)

// Exists reports whether dir contains a cluster, or anything with its name.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "postgres"))
	return !errors.Is(err, os.ErrNotExist)
}

// locate creates dir if it is missing, and returns the data folder of its cluster,
// which may not exist yet, and the account that owns it. If it fails, it removes
// the folders that it created.
func locate(ctx context.Context, dir string) (data string, acct account, err error) {
	if dir == "" {
		return "", account{}, errors.New("no folder given")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", account{}, err
	}
	missing := missingFolders(dir)
	defer func() {
		if err != nil {
			for _, folder := range missing {
				os.Remove(folder) // only if it is empty
			}
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", account{}, err
	}
	if data, err = dataFolder(dir); err != nil {
		return "", account{}, err
	}
	if acct, err = accountFor(data); err != nil {
		return "", account{}, err
	}
	if !Exists(dir) {
		_, err = programsFor(ctx, data, acct)
	}
	return data, acct, err
}

// Remove deletes the cluster in dir with all its data. It returns an error, and
// deletes nothing, if a process uses the cluster.
func Remove(dir string) error {
	data, err := dataFolder(dir)
	if err != nil {
		return err
	}
	acct, err := accountFor(data)
	if err != nil {
		return err
	}
	lock, err := openLock(data+".lock", acct)
	if err != nil {
		return err
	}
	defer lock.Close()
	switch mine, err := tryLock(lock); {
	case err != nil:
		return err
	case !mine:
		return fmt.Errorf("the cluster in %s is in use", dir)
	}
	return os.RemoveAll(data)
}

// missingFolders returns dir and those of its parent folders that do not exist,
// innermost first.
func missingFolders(dir string) (missing []string) {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			return missing
		}
		missing = append(missing, dir)
	}
}

// dataFolder returns the path of the cluster's data folder in dir. It returns an
// error if the folder exists but does not contain a cluster.
func dataFolder(dir string) (string, error) {
	// A cluster must have only one path, because the name of the socket's folder is
	// derived from it.
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	data := filepath.Join(dir, "postgres")
	files, err := os.ReadDir(data)
	if errors.Is(err, os.ErrNotExist) {
		return data, nil
	}
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(files, func(f os.DirEntry) bool { return f.Name() == "PG_VERSION" }) {
		return "", fmt.Errorf("%s is not a PostgreSQL cluster: move it away", data)
	}
	return data, nil
}

// create creates the cluster in a temporary folder and renames the folder when the
// cluster is complete, so that a crash leaves no incomplete cluster.
func create(ctx context.Context, bin, data string, acct account, nosync bool) error {
	unfinished := data + ".new"
	if err := os.RemoveAll(unfinished); err != nil { // left by a crash; we hold the lock
		return err
	}
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(unfinished)
	if err := acct.chown(unfinished); err != nil {
		return err
	}
	ctype := "C" // the collation is always C, so that the sort order does not depend on the C library
	if runtime.GOOS == "linux" {
		ctype = "C.UTF-8" // so that lower('È') is 'è'
	}
	args := []string{"-D", unfinished, "-U", "postgres",
		"--auth-local=trust", "--auth-host=reject", "--data-checksums",
		"--encoding=UTF8", "--locale=C", "--lc-ctype=" + ctype}
	if nosync {
		args = append(args, "--no-sync")
	}
	// Keep the thread while initdb runs: see setPdeathsig.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := acct.command(ctx, "/", filepath.Join(bin, "initdb"), args...)
	setPdeathsig(cmd.SysProcAttr, syscall.SIGKILL)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, bytes.TrimSpace(out))
	}
	return os.Rename(unfinished, data) // fails if data exists
}
