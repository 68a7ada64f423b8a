package main

import (
	"fmt"
	"strings"
	"testing"

	"stella/cmd/stella/config"
	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

// Only the owner may read a secret. If root owns it, its group may read it too.
// The auditor's key is a secret file too.
func TestPermissionsOfTheAuditorsKey(t *testing.T) {
	t.Parallel()
	r := stella(t, []string{"STELLA_DATABASE_URL=" + storetest.URL(t)}, "archive", "show", "x", "--key", programtest.MakeReadable(t, programtest.File(t, "auditor.key", nil)))
	if r.status != 1 || !strings.Contains(r.err, "auditor.key can be read or changed by others (mode 0644): run chmod 600 /") {
		t.Errorf("the auditor's key: %+v", r)
	}
}

func TestOutdatedWebhooksAreLogged(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	c.URL = storetest.URL(t)
	w := worldOf(t, c.URL)
	keys, err := config.ReadKeys(c.KeyFile)
	storetest.Must(t, err)
	w.Procedure.Keys, w.Provider.Keys = keys, keys
	id, _, err := w.Provider.AddWebhook(t.Context(), storetest.Webmail, "https://webmail.example/hooks", nil)
	storetest.Must(t, err)
	another := programtest.File(t, "new.key", []byte(strings.Repeat("n", 32)))
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
