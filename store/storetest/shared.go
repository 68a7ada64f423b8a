package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/jackc/pgx/v5"

	"stella/store/localpg"
)

// copyShared copies the stopped cluster in shared to dir. The first process creates that
// cluster, with the template, and the others wait for it. scripts/test names an empty
// folder in STELLA_TEST_CLUSTER, because to create a cluster takes longer than to copy it.
// No server ever runs on a cluster that was copied, so tests share nothing.
func copyShared(ctx context.Context, shared, dir string) error {
	if err := makeShared(ctx, shared); err != nil {
		return err
	}
	// cp also copies the owner, because PostgreSQL does not run as root.
	out, err := exec.CommandContext(ctx, "cp", "-a", filepath.Join(shared, "postgres"), dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func makeShared(ctx context.Context, shared string) (err error) {
	lock, err := os.OpenFile(filepath.Join(shared, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	// The file is written when the cluster is complete. If a process was killed before,
	// the next one starts again.
	complete := filepath.Join(shared, "complete")
	if _, err := os.Stat(complete); err == nil {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(shared, "postgres")); err != nil {
		return err
	}
	if err := os.Chmod(shared, 0o755); err != nil { // PostgreSQL does not run as root
		return err
	}
	c, err := localpg.Start(ctx, localpg.Options{Dir: shared, Settings: settings})
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, c.Stop()); err == nil {
			err = os.WriteFile(complete, nil, 0o644)
		}
	}()
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return makeTemplate(ctx, c, conn)
}
