package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"stella/workflow"
)

// readKeys reads keys as they are: any of their bytes may look like a blank.
func readKeys(files []string) (workflow.Keys, error) {
	var keys workflow.Keys
	for _, file := range files {
		key, err := readSecret(file)
		if err != nil {
			return nil, err
		}
		if len(key) < 32 {
			return nil, fmt.Errorf("%s holds %d bytes, and 32 are needed", file, len(key))
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errMissing
	}
	return keys, nil
}

// readPassword reads a password, which may have been written with an editor.
func readPassword(file string) (string, error) {
	if file == "" {
		return "", errMissing
	}
	password, err := readSecret(file)
	return strings.TrimRight(string(password), "\r\n"), err
}

// readSecret reads a file that nobody but its owner may read. A file of root's may
// be read by one group too: so it is given to a service that cannot change it.
func readSecret(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkSecret(file, info.Mode(), info.Sys().(*syscall.Stat_t).Uid, os.Geteuid()); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}

// checkSecret judges a file by its mode and its owner, and names the command that
// mends it: if we may not own it, root gives it to our group.
func checkSecret(file string, mode fs.FileMode, owner uint32, us int) error {
	allowed, mend := fs.FileMode(0o700), "chmod 600 "+file
	if owner == 0 {
		allowed = 0o740
	}
	if mode.Perm()&^allowed == 0 {
		return nil
	}
	if owner == 0 && us != 0 {
		mend = fmt.Sprintf("chgrp %d %s && chmod 640 %[2]s", os.Getegid(), file)
	}
	return fmt.Errorf("%s can be read or changed by others (mode %#o): run %s", file, mode.Perm(), mend)
}
