package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"stella/cmd/stella/config"
	"stella/store"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

// ownMailboxes is a file with a mailbox that is not the demo's.
const ownMailboxes = header + "mia@pec.example,person,Anna Neri,NRENNA80A41H501T,,mia@mail.example,active\n"

func TestDemoRestartsWithImportedMailboxes(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	storetest.Must(t, demoCommand{Port: 8080}.seed(t.Context(), db))
	p := &qualification.Cases{Store: db, Now: time.Now}
	_, err := importMailboxes(t.Context(), p, "me", strings.NewReader(ownMailboxes), io.Discard)
	storetest.Must(t, err)
	if err := (demoCommand{Port: 8080}).seed(t.Context(), db); err != nil {
		t.Errorf("the second start: %v", err)
	}
}

func TestDemoRefusesAnotherDatabase(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	p := &qualification.Cases{Store: db, Now: time.Now}
	_, err := importMailboxes(t.Context(), p, "me", strings.NewReader(ownMailboxes), io.Discard)
	storetest.Must(t, err)
	if err := (demoCommand{Port: 8080}).seed(t.Context(), db); err == nil || !strings.Contains(err.Error(), "use another --dir") {
		t.Errorf("the demo returns %v", err)
	}
}

// A shell splits the command into the intended words.
func TestApproveCommandIsShellQuoted(t *testing.T) {
	t.Parallel()
	dir := "/srv/it's a \"demo\" $HOME"
	command := "printf '%s\\n' " + demoCommand{Dir: dir}.approveCommand()
	out, err := exec.CommandContext(t.Context(), "sh", "-c", command).Output()
	storetest.Must(t, err)
	want := strings.Join([]string{os.Args[0], "qualification", "approve", "--reason", "visura camerale", "--dir", dir, ""}, "\n")
	if string(out) != want {
		t.Errorf("a shell splits it into\n%swant\n%s", out, want)
	}
	if got := (demoCommand{}).approveCommand(); strings.Contains(got, "--dir") {
		t.Errorf("without a folder the command is %s", got)
	}
}

func TestDemoPort(t *testing.T) {
	t.Parallel()
	for _, port := range []string{"0", "65533"} {
		stella(t, nil, "demo", "--port", port).fails(t, 1, "--port "+port+": name the first of four ports, from 1 to 65532")
	}
}

func TestFreshDemoIsEmpty(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	previous := demoCommand{Port: 8080, Dir: dir}
	db, err := previous.open(t.Context())
	storetest.Must(t, err)
	storetest.Must(t, previous.seed(t.Context(), db.Store))
	storetest.Must(t, db.Close())

	fresh := demoCommand{Port: 8080, Dir: dir, Fresh: true}
	db, err = fresh.open(t.Context())
	storetest.Must(t, err)
	there, err := db.Mailboxes(t.Context(), store.MailboxFilter{Limit: 1})
	storetest.Must(t, errors.Join(err, db.Close()))
	if len(there) != 0 {
		t.Errorf("a fresh demo has the mailbox %s", there[0].Address)
	}
}

func TestFreshDemoKeepsOtherData(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	db, err := config.Database{Dir: dir}.OpenExclusive(t.Context(), nil)
	storetest.Must(t, err)
	p := &qualification.Cases{Store: db.Store, Now: time.Now}
	_, err = importMailboxes(t.Context(), p, "me", strings.NewReader(ownMailboxes), io.Discard)
	storetest.Must(t, errors.Join(err, db.Close()))

	if _, err := (demoCommand{Port: 8080, Dir: dir, Fresh: true}).open(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "use another --dir") {
		t.Fatalf("the demo returns %v", err)
	}
	db, err = config.Database{Dir: dir}.OpenExclusive(t.Context(), nil)
	storetest.Must(t, err)
	there, err := db.Mailboxes(t.Context(), store.MailboxFilter{Limit: 2})
	storetest.Must(t, errors.Join(err, db.Close()))
	if len(there) != 1 {
		t.Errorf("%d mailboxes are left, want 1", len(there))
	}
}
