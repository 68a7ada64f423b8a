package localpg

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOtherMajorVersionIsRefusedAndNotChanged(t *testing.T) {
	t.Parallel()
	dir := stoppedCluster(t)
	data := filepath.Join(dir, "postgres")
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	c, err := Start(t.Context(), Options{Dir: dir})
	if err == nil {
		c.Stop()
		t.Fatal("started")
	}
	for _, want := range []string{"PostgreSQL 12", "pg_upgrade", dir} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not contain %q", err, want)
		}
	}
	if after := snapshot(t, dir); after != before {
		t.Errorf("the folder was changed:\n%s\nwas\n%s", after, before)
	}
}

func TestFolderWithoutClusterIsRefusedAndNotChanged(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	data := filepath.Join(dir, "postgres")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		os.Chown(data, 65534, 65534)
	}
	if err := os.WriteFile(filepath.Join(data, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	if c, err := Start(t.Context(), Options{Dir: dir, Settings: fastSettings}); err == nil {
		c.Stop()
		t.Error("started")
	}
	if after := snapshot(t, dir); after != before {
		t.Errorf("the folder was changed:\n%s\nwas\n%s", after, before)
	}
}

func TestErrorNamesFolderThatServerAccountCannotEnter(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(folder(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 { // the account does not change, and can enter
		mustStart(t, filepath.Join(closed, "stella"))
		return
	}
	_, err := Start(t.Context(), Options{Dir: filepath.Join(closed, "stella")})
	if err == nil || !strings.Contains(err.Error(), "cannot enter "+closed+":") {
		t.Errorf("%v; want the name of %s", err, closed)
	}
	if left, err := os.ReadDir(closed); err != nil || len(left) > 0 {
		t.Errorf("Start left %v (%v)", left, err)
	}
}

func TestExists(t *testing.T) {
	t.Parallel()
	if dir := folder(t); Exists(dir) || Exists(filepath.Join(dir, "nothing")) {
		t.Error("Exists reports a cluster in an empty folder")
	}
	if !Exists(templateDir) {
		t.Error("Exists does not report a cluster")
	}
}

func TestSocketFolderOfAnotherUser(t *testing.T) {
	t.Parallel()
	dir := stoppedCluster(t)
	c := mustStart(t, dir)
	mustStop(t, c)
	if err := os.Mkdir(c.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(c.folder) })
	refused := func(why string) {
		t.Helper()
		if _, err := Start(t.Context(), Options{Dir: dir, Settings: fastSettings}); err == nil || !strings.Contains(err.Error(), c.folder) {
			t.Errorf("%v; want the folder %s refused, %s", err, c.folder, why)
		}
	}
	if os.Getuid() == 0 {
		refused("because it belongs to root")
		info, err := os.Stat(filepath.Join(dir, "postgres"))
		if err != nil {
			t.Fatal(err)
		}
		os.Chown(c.folder, int(info.Sys().(*syscall.Stat_t).Uid), 0)
	}
	os.Chmod(c.folder, 0o755)
	refused("because any user can enter it")
}

// snapshot lists every file with its size, mode and time.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&b, path, info.Size(), info.Mode(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
