package main

import (
	"strings"
	"testing"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

func TestMailboxCommands(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	run := func(args ...string) result { return stella(t, []string{"STELLA_DATABASE_URL=" + url}, args...) }
	good := programtest.File(t, "good.csv", []byte(header+"anna.neri@pec.example,person,Anna Neri,NRENNA80A41H501T,,anna.neri@mail.example,active\n"))
	if out := run("mailbox", "import", good).succeeds(t); out != "1 made\n" {
		t.Errorf("%q", out)
	}
	bad := programtest.File(t, "bad.csv", []byte(header+"anna.neri@pec.example,person,Anna Neri,NRENNA80A41H501T,,anna.neri@mail.example,dead\n"+
		"b@pec.example,,,,,,active\n"))
	r := run("mailbox", "import", bad)
	if r.status != 1 || r.out != "1 made\n" ||
		r.err != "line 2: status: want active, expired, cancelled or revoked\nstella: 1 line was rejected\n" {
		t.Errorf("%+v", r)
	}
	run("mailbox", "import", "/nonexistent.csv").fails(t, 1, "open /nonexistent.csv: no such file or directory")
	list := run("mailbox", "list").succeeds(t)
	if lines := strings.Split(list, "\n"); len(lines) != 4 || !strings.HasPrefix(lines[0], "MAILBOX ") ||
		strings.Join(strings.Fields(lines[1]), " ") != "anna.neri@pec.example active person - - -" {
		t.Errorf("%s", list)
	}
	if out := run("mailbox", "show", "Anna.Neri@pec.example").succeeds(t); !strings.Contains(out, "NRENNA80A41H501T") ||
		!strings.Contains(out, "anna.neri@mail.example") {
		t.Errorf("%s", out)
	}
	run("mailbox", "show", "nobody@pec.example").fails(t, 1, "there is no mailbox nobody@pec.example on record")
}

func TestDeletedMailboxIsShown(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	j := w.RecordInState(t, qualification.Qualified)
	run := func(args ...string) result {
		return stella(t, []string{"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString()}, args...)
	}
	if out := run("mailbox", "delete", "--operator=paolo", strings.ToUpper(j.Address)).succeeds(t); out != j.Address+": deleted\n" {
		t.Errorf("%q", out)
	}
	if out := run("mailbox", "show", j.Address).succeeds(t); !strings.Contains(out, "\ndeleted           ") ||
		!strings.Contains(out, " by paolo\n") {
		t.Errorf("%s", out)
	}
	if out := run("qualification", "show", j.Address).succeeds(t); !strings.Contains(out, "code_right") ||
		!strings.Contains(out, storetest.Anna) {
		t.Errorf("%s", out)
	}
	run("mailbox", "delete", j.Address).fails(t, 1, "there is no mailbox "+j.Address+" on record")
	run("mailbox", "delete", "nobody").fails(t, 1, "there is no mailbox nobody on record")
}
