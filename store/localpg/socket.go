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
	socketMax  = 107 // bytes in a unix socket's path, by the kernel
)

// socketFolder makes the folder of the socket, which only who and root can
// enter. Its name is short, since the data folder's may be too long for a
// socket, and the same after a crash, so that nothing piles up.
func socketFolder(data string, who account) (string, error) {
	name := fmt.Sprintf("stella-%x", sha256.Sum256([]byte(data)))[:len("stella-")+16]
	base := os.TempDir()
	if info, err := os.Stat("/run"); os.Getuid() == 0 && err == nil && info.IsDir() {
		base = "/run" // where nobody else can take the name before us
	} else if len(filepath.Join(base, name)+socketName) > socketMax {
		base = "/tmp"
	}
	folder := filepath.Join(base, name)
	err := os.Mkdir(folder, 0o700)
	if err == nil {
		err = who.give(folder)
	} else if errors.Is(err, os.ErrExist) {
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("making the socket's folder: %w", err)
	}
	if !who.owns(folder) {
		return "", fmt.Errorf("the socket's folder %s is not %s's alone: remove it", folder, who.name)
	}
	return folder, nil
}

// running returns what the server that runs on data says of itself, believing
// it only if the server accepts connections: a killed one leaves its word.
func running(data string, who account) (p postmaster, ok bool) {
	p = readPostmaster(data)
	if !p.ready || p.port != port || !who.owns(p.folder) {
		return p, false
	}
	conn, err := net.Dial("unix", p.folder+socketName)
	if err != nil {
		return p, false
	}
	conn.Close()
	return p, true
}
