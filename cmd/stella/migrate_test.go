package main

import (
	"strings"
	"testing"

	"stella/cmd/stella/programtest"
	"stella/store"
	"stella/store/storetest"
)

func TestUnmigratedDatabase(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyURL(t)
	run := func(args ...string) result { return stella(t, []string{"STELLA_DATABASE_URL=" + url}, args...) }
	for _, args := range []string{"mailbox list", "mailbox show x", "mail list", "qualification list", "qualification show 1",
		"qualification approve 1 --reason=x",
		"client add x --domain=a.example --return-url=https://a.example",
		"spid provider list", "spid provider suspend x --since=2020-11-20", "spid provider resume x"} {
		run(strings.Fields(args)...).fails(t, 1, `the database has pending migrations: run "stella migrate" first`)
	}
	c := programtest.GoodConfig(t)
	c.URL = url
	if r := stella(t, programtest.Environ(c), "serve"); r.status != 1 || !strings.Contains(r.err, `run "stella migrate" first`) {
		t.Errorf("%+v", r)
	}
	if out := run("migrate").succeeds(t); !strings.HasPrefix(out, "PostgreSQL at ") || !strings.HasSuffix(out, " migrations applied\n") {
		t.Errorf("%q", out)
	}
	if out := run("migrate").succeeds(t); !strings.HasSuffix(out, ": the schema is up to date\n") {
		t.Errorf("%q", out)
	}
	run("mailbox", "list").succeeds(t)
	s, err := store.Open(t.Context(), url, nil)
	storetest.Must(t, err)
	defer s.Close()
	storetest.Must(t, s.CheckSchema(t.Context()))
}
