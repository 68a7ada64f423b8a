package main

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"stella/cmd/stella/config"
	"stella/cmd/stella/programtest"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestArchiveKeygenDoesNotOverwrite(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/auditor.key"
	out := stella(t, nil, "archive", "keygen", file).succeeds(t)
	if _, err := config.ParseRecipient(strings.TrimSpace(out)); err != nil {
		t.Errorf("keygen prints %q: %v", out, err)
	}
	was, err := os.ReadFile(file)
	storetest.Must(t, err)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
	if key, err := readArchiveKey(file); err != nil || key.Recipient().String() != strings.TrimSpace(out) {
		t.Errorf("the key does not belong to the printed recipient (%v)", err)
	}
	stella(t, nil, "archive", "keygen", file).fails(t, 1, file+" already exists, and is not overwritten")
	if is, err := os.ReadFile(file); err != nil || !slices.Equal(is, was) {
		t.Error("the key was overwritten")
	}
}

func TestArchiveShow(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	login := w.RecordInState(t, qualification.Identified).Case().Qualification.Login.ID
	run := func(args ...string) result {
		return stella(t, []string{"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString()}, append([]string{"archive", "show"}, args...)...)
	}
	key := programtest.File(t, "auditor.key", []byte(storetest.Auditor.String()+"\n"))
	at := formatTime(w.Clock.Now())
	want := "<!-- request, " + at + ", SHA-256 b857e4e7eb75d159654764213b4107cc7ce591a5bb20a7a214ee751cb3c74e69, " +
		"its digest is in the log -->\n<AuthnRequest/>\n" +
		"<!-- response, " + at + ", SHA-256 b40c651583a41c9daeaae9a2a1665979521b0f1886a2761d5fe746414186905c, " +
		"its digest is in the log -->\n<Response/>\n"
	if out := run(login, "--key", key).succeeds(t); out != want {
		t.Errorf("%q, want %q", out, want)
	}
	storetest.Must(t, w.Logins.StartTest(t.Context(), workflow.Login{ID: "_trial", StartedAt: w.Clock.Now()},
		[]byte("<AuthnRequest/>"), netip.Addr{}))
	if out := run("_trial", "--key", key).succeeds(t); !strings.Contains(out,
		", from a test login: no step depends on it -->\n<AuthnRequest/>\n") {
		t.Errorf("%q", out)
	}
	run("_unknown", "--key", key).fails(t, 1, "the archive contains nothing for login _unknown")
	run(login, "--key", "/nonexistent").fails(t, 1, "open /nonexistent: no such file or directory")
	_, err := makeArchiveKey(t.TempDir() + "/another.key")
	storetest.Must(t, err)
	garbage := programtest.File(t, "garbage", []byte("garbage"))
	if r := run(login, "--key", garbage); r.status != 1 || !strings.Contains(r.err, garbage) || strings.Contains(r.err, "\n\n") {
		t.Errorf("%+v", r)
	}
}
