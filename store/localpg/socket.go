package localpg

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

const (
	port       = "5432"
	socketName = "/.s.PGSQL." + port
	socketMax  = 107 // the kernel's limit for the path of a unix socket, in bytes
)

// socketFolder creates the folder of the socket, which only acct and root can enter.
// It is not in the data folder, whose path may be too long for a socket. Its name
// depends only on the data folder, so that crashes do not leave more and more folders.
func socketFolder(data string, acct account) (string, error) {
	name := fmt.Sprintf("stella-%x", sha256.Sum256([]byte(data)))[:len("stella-")+16]
	base := os.TempDir()
	if info, err := os.Stat("/run"); os.Getuid() == 0 && err == nil && info.IsDir() {
		base = "/run" // only root can create files here, so no other user can take the name
	} else if len(filepath.Join(base, name)+socketName) > socketMax {
		base = "/tmp"
	}
	folder := filepath.Join(base, name)
	err := os.Mkdir(folder, 0o700)
	if err == nil {
		err = acct.chown(folder)
	} else if errors.Is(err, os.ErrExist) {
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("making the socket's folder: %w", err)
	}
	if !acct.owns(folder) {
		return "", fmt.Errorf("the socket's folder %s is not %s's alone: remove it", folder, acct.name)
	}
	return folder, nil
}

// runningServer returns the postmaster data of the server that runs on data. It
// reports false if that server does not accept connections: a server that was killed
// leaves its postmaster.pid.
func runningServer(data string, acct account) (p postmaster, ok bool) {
	p = readPostmaster(data)
	if !p.ready || p.port != port || !acct.owns(p.folder) {
		return p, false
	}
	conn, err := net.Dial("unix", p.folder+socketName)
	if err != nil {
		return p, false
	}
	conn.Close()
	return p, true
}
