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

// dataFolder is the cluster's folder in dir, which is made if missing. It
// refuses one that holds something else than a cluster.
func dataFolder(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("no folder given")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	// One cluster, one name: the socket's folder is derived from it.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
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
