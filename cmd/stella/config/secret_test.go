package config

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
)

func TestSecretFilePermissions(t *testing.T) {
	t.Parallel()
	const us, other = 1001, 1002
	for _, c := range []struct {
		mode    fs.FileMode
		owner   uint32
		refused bool
	}{
		{0o600, us, false}, {0o400, us, false}, {0o700, us, false},
		{0o640, us, true}, {0o660, us, true}, {0o644, us, true}, {0o604, us, true}, {0o602, us, true}, {0o620, us, true},
		{0o640, 0, false}, {0o440, 0, false}, // a secret of Kubernetes with fsGroup; of systemd
		{0o660, 0, true}, {0o444, 0, true}, {0o644, 0, true}, // the default of a Docker secret
		{0o640, other, true},
	} {
		err := checkSecret("/etc/stella/key", c.mode, c.owner, us)
		if (err != nil) != c.refused {
			t.Errorf("mode %#o of %d: %v", c.mode, c.owner, err)
		}
		want := "run chmod 600 /etc/stella/key"
		if c.owner == 0 {
			want = fmt.Sprintf("run chgrp %d /etc/stella/key && chmod 640 /etc/stella/key", os.Getegid())
		}
		if err != nil && !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
}
