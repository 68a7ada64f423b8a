package config

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"stella/workflow"
)

// ReadKeys reads keys from files, without removing blanks: a random byte may look like
// one.
func ReadKeys(files []string) (workflow.Keys, error) {
	var keys workflow.Keys
	for _, file := range files {
		key, err := ReadSecret(file)
		if err != nil {
			return nil, err
		}
		if len(key) < 32 {
			return nil, fmt.Errorf("%s contains %d bytes, and 32 are needed", file, len(key))
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, ErrMissing
	}
	return keys, nil
}

// readPassword reads a password from a file, without newlines at the end.
func readPassword(file string) (string, error) {
	if file == "" {
		return "", ErrMissing
	}
	password, err := ReadSecret(file)
	return strings.TrimRight(string(password), "\r\n"), err
}

// ReadSecret reads a file that only its owner may read. If root owns it, its group may
// read it too: in this way a service can read a secret that it cannot change.
func ReadSecret(file string) ([]byte, error) {
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

// checkSecret returns an error if another user may read or change a file with this mode
// and owner. The error names the command that corrects it. If root owns the file and we
// are another user, the command gives it to our group.
func checkSecret(file string, mode fs.FileMode, owner uint32, euid int) error {
	allowed, command := fs.FileMode(0o700), "chmod 600 "+file
	if owner == 0 {
		allowed = 0o740
	}
	if mode.Perm()&^allowed == 0 {
		return nil
	}
	if owner == 0 && euid != 0 {
		command = fmt.Sprintf("chgrp %d %s && chmod 640 %[2]s", os.Getegid(), file)
	}
	return fmt.Errorf("%s can be read or changed by others (mode %#o): run %s", file, mode.Perm(), command)
}
