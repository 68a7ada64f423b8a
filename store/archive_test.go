package store_test

import (
	"bytes"
	"sync"
	"testing"

	"filippo.io/age"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestOnlyAuditorOpensArchive(t *testing.T) {
	w := newWorld(t)
	j := w.RecordInState(t, qualification.Identification)
	login := j.LogIn()
	secret := bytes.Repeat([]byte("<Response>NRENNA80A41H501T</Response>\n"), 3000) // longer than a chunk of age
	storetest.Must(t, w.ClaimAnswer(t.Context(), login, w.Answer(storetest.Anna),
		workflow.Message{ID: uuid.New(), Login: login, Direction: "response", Body: secret, ReceivedAt: w.Clock.Now()}))
	all, err := w.OpenArchive(t.Context(), login, storetest.Auditor)
	storetest.Must(t, err)
	if len(all) != 2 || all[0].Direction != "request" || string(all[0].Body) != "<AuthnRequest/>" || all[0].Login != login ||
		all[1].Direction != "response" || !bytes.Equal(all[1].Body, secret) || !all[1].ReceivedAt.Equal(w.Clock.Now()) {
		t.Errorf("the archive returns %+v", all)
	}
	rows, err := w.Pool().Query(t.Context(), `select sealed, sha256 from messages`)
	storetest.Must(t, err)
	defer rows.Close()
	for rows.Next() {
		var sealed []byte
		var digest string
		storetest.Must(t, rows.Scan(&sealed, &digest))
		if !bytes.HasPrefix(sealed, []byte("age-encryption.org/v1")) || len(digest) != 64 {
			t.Errorf("the encrypted message is %.40q", sealed)
		}
		for _, plain := range []string{"NRENNA", "<Response", "<AuthnRequest", login} {
			if bytes.Contains(sealed, []byte(plain)) {
				t.Errorf("the encrypted message contains %q", plain)
			}
		}
	}
	stranger, err := age.GenerateX25519Identity()
	storetest.Must(t, err)
	if all, err := w.OpenArchive(t.Context(), login, stranger); err == nil {
		t.Errorf("another key opens %d messages", len(all))
	}
	if all, err := w.OpenArchive(t.Context(), "_unheard", storetest.Auditor); err != nil || len(all) != 0 {
		t.Errorf("an unknown login: %v, %v", all, err)
	}
	// Without a recipient, the login fails; nothing is archived unencrypted.
	w.SetArchiveRecipient(nil)
	other := w.RecordInState(t, qualification.Identification)
	err = w.Procedure.StartLogin(t.Context(), other.Visitor, workflow.Login{ID: "_1", StartedAt: w.Clock.Now()}, []byte("<AuthnRequest/>"))
	if err == nil || other.Case().Qualification.State != qualification.Identification {
		t.Errorf("a login that cannot be archived: %v", err)
	}
}

func TestArchiveLimitsRefusedAnswers(t *testing.T) {
	w := newWorld(t)
	login := w.RecordInState(t, qualification.AtProvider).Case().Qualification.Login.ID
	other := w.RecordInState(t, qualification.AtProvider).Case().Qualification.Login.ID
	var open []*pgxpool.Conn // open connections, so that the calls below run concurrently
	for range 15 {
		c, err := w.Pool().Acquire(t.Context())
		storetest.Must(t, err)
		open = append(open, c)
	}
	for _, c := range open {
		c.Release()
	}
	var sent sync.WaitGroup
	for range 60 { // concurrently, as a stranger might send them
		m := response(login, w)
		sent.Go(func() {
			if err := w.ArchiveMessage(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
	sent.Wait()
	storetest.Must(t, w.ArchiveMessage(t.Context(), response(other, w)))
	for id, want := range map[string]int{login: 5, other: 1} {
		all, err := w.OpenArchive(t.Context(), id, storetest.Auditor)
		storetest.Must(t, err)
		if len(all)-1 != want { // without the request
			t.Errorf("%d answers are archived, want %d", len(all)-1, want)
		}
	}
	// The answer that the login accepts is archived in addition.
	storetest.Must(t, w.ClaimAnswer(t.Context(), login, w.Answer(storetest.Anna), response(login, w)))
	if all, err := w.OpenArchive(t.Context(), login, storetest.Auditor); err != nil || len(all) != 7 {
		t.Errorf("%d messages, %v", len(all), err)
	}
	if err := w.ArchiveMessage(t.Context(), response("_unheard", w)); err == nil {
		t.Error("a message of an unknown login was archived")
	}
}
