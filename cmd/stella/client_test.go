package main

import (
	"strings"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

// A client is added, its token is rotated, rotated again because it was stolen, and
// the client is disabled and enabled.
func TestClientTokens(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	env := []string{"STELLA_DATABASE_URL=" + db.Pool().Config().ConnString()}
	client := func(args ...string) result { return stella(t, env, append([]string{"client"}, args...)...) }
	token := func(r result, sentence string) string {
		t.Helper()
		lines := strings.Split(r.succeeds(t), "\n")
		if lines[0] != sentence {
			t.Errorf("the command prints %q, want %q", lines[0], sentence)
		}
		return lines[1]
	}
	good := func(token string, want bool) {
		t.Helper()
		_, err := db.ClientByToken(t.Context(), workflow.Digest(token), time.Now())
		if (err == nil) != want {
			t.Errorf("the token is valid: %v, want %v", err == nil, want)
		}
	}
	listed := func(want string) {
		t.Helper()
		lines := strings.Split(strings.TrimSpace(client("list").succeeds(t)), "\n")
		if len(lines) != 2 || !strings.HasPrefix(lines[0], "CLIENT") || !strings.Contains(lines[1], want) {
			t.Errorf("%q does not contain %q", lines, want)
		}
	}

	first := token(client("add", "office", "--scope", "registry", "--scope=operator", "--domain", "pec.example"),
		"Token of office; it is not shown again:")
	good(first, true)
	listed("registry,operator  pec.example")
	listed("one")

	second := token(client("rotate", "office"), "New token of office; it is not shown again:")
	good(first, true)
	good(second, true)
	listed("two, the previous one until")
	third := token(client("rotate", "office", "--overlap", "0s"), "New token of office; it is not shown again:")
	for t, want := range map[string]bool{first: false, second: false, third: true} {
		good(t, want)
	}
	listed("one")

	if out := client("disable", "office").succeeds(t); out != "office: disabled\n" {
		t.Errorf("%q", out)
	}
	good(third, false)
	listed("disabled since")
	if out := client("enable", "office").succeeds(t); out != "office: enabled\n" {
		t.Errorf("%q", out)
	}
	good(third, true)
	if strings.Contains(client("list").succeeds(t), third) {
		t.Error("the list shows a token")
	}
}

func TestInvalidClients(t *testing.T) {
	t.Parallel()
	env := []string{"STELLA_DATABASE_URL=" + storetest.New(t).Pool().Config().ConnString()}
	for args, want := range map[string]string{
		"add mail --domain pec.example": "a webmail needs a --return-url, to which its users return",
		"rotate office --overlap=-1h":   "--overlap is negative",
		"rotate office":                 `there is no client "office": see "stella client list"`,
		"disable office":                `there is no client "office": see "stella client list"`,
		"enable office":                 `there is no client "office": see "stella client list"`,

		"add x --domain pec.example --scope registry --return-url https://x.example/": "only a webmail has a --return-url: " +
			"add --scope webmail, or leave it out",
	} {
		stella(t, env, append([]string{"client"}, strings.Fields(args)...)...).fails(t, 1, want)
	}
	stella(t, env, "client", "add", " ", "--domain=pec.example", "--scope=registry").fails(t, 1, "the client has no name")
	if r := stella(t, env, "client", "add", "x", "--domain=pec.example", "--scope=admin"); r.status != 2 ||
		!strings.Contains(r.err, `"webmail","registry","operator","auditor"`) {
		t.Errorf("%+v", r)
	}
}

func TestAddWebmailClient(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	url := s.Pool().Config().ConnString()
	run := func(args ...string) result {
		return stella(t, []string{"STELLA_DATABASE_URL=" + url}, append([]string{"client", "add"}, args...)...)
	}
	out := run("webmail", "--domain", "@PEC.example", "--domain=città.example", "--return-url", "https://webmail.example/").succeeds(t)
	lines := strings.Split(out, "\n")
	if len(lines) != 3 || lines[0] != "Token of webmail; it is not shown again:" {
		t.Fatalf("%q", out)
	}
	c, err := s.ClientByToken(t.Context(), workflow.Digest(lines[1]), time.Now())
	if err != nil || strings.Join(c.Domains, " ") != "pec.example xn--citt-3na.example" {
		t.Errorf("%+v, %v", c, err)
	}
	run("webmail", "--domain", "pec.example", "--return-url", "https://webmail.example/").fails(t, 1, `client "webmail": already exists`)
	run("other", "--domain=pec", "--domain=a@b.example", "--return-url=webmail.example", "--return-url=javascript:alert(1)").fails(t, 1,
		`--domain "pec" is not a domain, such as pec.example`+"\n"+
			`--domain "a@b.example" is not a domain, such as pec.example`+"\n"+
			`--return-url "webmail.example" is not a URL, such as https://webmail.example/`+"\n"+
			`--return-url "javascript:alert(1)" is not a URL, such as https://webmail.example/`)
}
