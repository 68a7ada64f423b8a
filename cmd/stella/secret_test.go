package main

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"stella/store/storetest"
)

// Only the owner may read a secret. If root owns it, its group may read it too.
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
	r := stella(t, []string{"STELLA_DATABASE_URL=" + storetest.URL(t)}, "archive", "show", "x", "--key", makeReadable(t, file(t, "auditor.key", nil)))
	if r.status != 1 || !strings.Contains(r.err, "auditor.key can be read or changed by others (mode 0644): run chmod 600 /") {
		t.Errorf("the auditor's key: %+v", r)
	}
}

func TestOutdatedWebhooksAreLogged(t *testing.T) {
	t.Parallel()
	c := goodConfig(t)
	c.URL = storetest.URL(t)
	w := worldOf(t, c.URL)
	keys, err := readKeys(c.KeyFile)
	storetest.Must(t, err)
	w.Procedure.Keys, w.Provider.Keys = keys, keys
	id, _, err := w.Provider.AddWebhook(t.Context(), storetest.Webmail, "https://webmail.example/hooks", nil)
	storetest.Must(t, err)
	another := file(t, "new.key", []byte(strings.Repeat("n", 32)))
	for _, change := range []struct {
		files []string
		line  string
	}{
		{append(c.KeyFile, another), ""},
		{append([]string{another}, c.KeyFile...), fmt.Sprintf(`"webhook":%d,"client":"webmail","key_removed":false`, id)},
		{[]string{another}, fmt.Sprintf(`"webhook":%d,"client":"webmail","key_removed":true`, id)},
	} {
		c.KeyFile = change.files
		s := startService(t, c)
		if log := s.log(); change.line == "" && strings.Contains(log, "an old key") || !strings.Contains(log, change.line) {
			t.Errorf("with %d keys: %s", len(change.files), log)
		}
		s.interrupt()
	}
}
