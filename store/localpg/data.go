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

// Exists reports whether there is a cluster in dir, or something in its place.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "postgres"))
	return !errors.Is(err, os.ErrNotExist)
}

// place makes dir if it is missing, and says where its cluster is, or will be,
// and whose. If there can be none it removes the folders that it made.
func place(ctx context.Context, dir string) (data string, who account, err error) {
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
	if who, err = accountFor(data); err != nil {
		return "", account{}, err
	}
	if !Exists(dir) {
		_, err = programsFor(ctx, data, who)
	}
	return data, who, err
}

// Remove deletes the cluster in dir with all its data. If a process runs it, it
// is left as it is, and an error returned.
func Remove(dir string) error {
	data, err := dataFolder(dir)
	if err != nil {
		return err
	}
	who, err := accountFor(data)
	if err != nil {
		return err
	}
	held, err := openLock(data+".lock", who)
	if err != nil {
		return err
	}
	defer held.Close()
	switch mine, err := try(held); {
	case err != nil:
		return err
	case !mine:
		return fmt.Errorf("the cluster in %s is in use", dir)
	}
	return os.RemoveAll(data)
}

// missingFolders are those of dir that are not there, the innermost first.
func missingFolders(dir string) (missing []string) {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			return missing
		}
		missing = append(missing, dir)
	}
}

// dataFolder is the cluster's folder in dir. It refuses one that holds something
// else than a cluster.
func dataFolder(dir string) (string, error) {
	// One cluster, one name: the socket's folder is derived from it.
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

// create makes the cluster beside its place and moves it there when complete,
// so that a crash on the way leaves no half cluster.
func create(ctx context.Context, bin, data string, who account, nosync bool) error {
	unfinished := data + ".new"
	if err := os.RemoveAll(unfinished); err != nil { // of a crash; we hold the lock
		return err
	}
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(unfinished)
	if err := who.give(unfinished); err != nil {
		return err
	}
	ctype := "C" // bytes are sorted as they are, on any machine and any release of its library
	if runtime.GOOS == "linux" {
		ctype = "C.UTF-8" // but È is the capital of è
	}
	args := []string{"-D", unfinished, "-U", "postgres",
		"--auth-local=trust", "--auth-host=reject", "--data-checksums",
		"--encoding=UTF8", "--locale=C", "--lc-ctype=" + ctype}
	if nosync {
		args = append(args, "--no-sync")
	}
	// The thread stays ours for as long as initdb runs: see die.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := who.command(ctx, "/", filepath.Join(bin, "initdb"), args...)
	die(cmd.SysProcAttr, syscall.SIGKILL)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, bytes.TrimSpace(out))
	}
	return os.Rename(unfinished, data) // fails if anything stands there
}
