package main

import (
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
)

func TestSessionCommands(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	env := []string{"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString()}
	session := func(args ...string) result { return stella(t, env, append([]string{"session"}, args...)...) }
	j := w.Record(t, storetest.AnnasRecord)
	storetest.Must(t, w.Sessions.Open(t.Context(), workflow.Visitor{Mailbox: j.Mailbox, Client: storetest.Webmail, User: "user-7",
		Session: workflow.Digest("a secret")}))
	lines := strings.Split(strings.TrimSpace(session("list", "--mailbox", j.Address).succeeds(t)), "\n")
	if len(lines) != 2 || !strings.Contains(lines[1], j.Address) || !strings.Contains(lines[1], "user-7") ||
		strings.Contains(lines[1], "secret") {
		t.Fatalf("%q", lines)
	}
	id := strings.Fields(lines[1])[0]
	if out := session("end", id).succeeds(t); out != "sessions ended: 1\n" {
		t.Errorf("%q", out)
	}
	session("end", id).fails(t, 1, "no session "+id+` is open: see "stella session list"`)
	session("end").fails(t, 1, "name a session, or a --mailbox or --client whose sessions to end")
	session("list", "--client", "nobody").fails(t, 1, `there is no client "nobody": see "stella client list"`)
	if out := session("end", "--client", storetest.Webmail).succeeds(t); out != "sessions ended: 0\n" {
		t.Errorf("%q", out)
	}
}
