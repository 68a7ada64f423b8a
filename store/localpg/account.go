package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is the user account that runs PostgreSQL and owns its files.
type account struct {
	name       string
	uid, gid   uint32
	switchUser bool // we are root and must switch to this account
}

// accountFor returns the account for the cluster in data: the owner of an existing
// cluster, or our own account for a new one. PostgreSQL refuses to run as root, so
// root uses the owner of an existing cluster, and for a new one the user "postgres" or
// "nobody", whichever exists.
func accountFor(data string) (account, error) {
	me := account{name: "uid " + strconv.Itoa(os.Getuid()), uid: uint32(os.Getuid()), gid: uint32(os.Getgid())}
	info, err := os.Stat(data)
	if err == nil {
		st := info.Sys().(*syscall.Stat_t)
		owner := account{name: fmt.Sprintf("uid %d", st.Uid), uid: st.Uid, gid: st.Gid, switchUser: true}
		switch {
		case st.Uid == 0:
			return account{}, fmt.Errorf("%s belongs to root, as whom PostgreSQL refuses to run: give it to another user", data)
		case st.Uid == me.uid:
			return me, nil
		case me.uid == 0:
			return owner, nil
		}
		return account{}, fmt.Errorf("%s belongs to %s, not to us (%s)", data, owner.name, me.name)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return account{}, err
	}
	if me.uid != 0 {
		return me, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
			gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
			return account{name, uint32(uid), uint32(gid), true}, errors.Join(err1, err2)
		}
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody: " +
		"add one, or run as another user")
}

// command prepares a program to run as the account, in the folder dir. It does not
// inherit our environment, which may contain PGDATA, PGPORT or similar variables.
func (a account) command(ctx context.Context, dir, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + filepath.Dir(program) + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if a.switchUser {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return cmd
}

// chown makes the account the owner of a file. It does not follow symbolic links,
// because the account may have created one.
func (a account) chown(path string) error {
	if !a.switchUser {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// owns reports whether path is a folder that belongs to the account and that no
// other user can enter.
func (a account) owns(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir() && info.Mode().Perm() == 0o700 && info.Sys().(*syscall.Stat_t).Uid == a.uid
}

// checkAccess returns an error if the account cannot enter dir. The error names the
// folder whose permissions are in the way. It runs a program in each folder instead
// of reading the permissions, because other rules, such as ACLs, apply as well.
func (a account) checkAccess(dir string) error {
	if !a.switchUser {
		return nil
	}
	enter := func(dir string) error { return a.command(context.Background(), dir, "/bin/sh", "-c", ":").Run() }
	if enter(dir) == nil {
		return nil
	}
	path := "/"
	for _, name := range append([]string{""}, strings.Split(strings.Trim(dir, "/"), "/")...) {
		path = filepath.Join(path, name)
		if err := enter(path); err != nil {
			return fmt.Errorf("the user %s, as whom PostgreSQL runs because root may not, cannot enter %s: %w; "+
				"let it (chmod o+x), or choose another folder", a.name, path, err)
		}
	}
	return nil
}
