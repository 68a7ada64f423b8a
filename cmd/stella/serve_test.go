package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

// dataDir returns a new folder that other users may enter: PostgreSQL does not run as
// root.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "stella-serve-")
	storetest.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	storetest.Must(t, os.Chmod(dir, 0o755))
	return dir
}

// A service on its private PostgreSQL: the pages and the API, the operator's commands
// on the same data, and the stop.
func TestServe(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	c.Dir = dataDir(t)
	s := startService(t, c)
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": `{"status":"ready","identity_providers":1}` + "\n"} {
		if code, body := s.get(path); code != 200 || body != want {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	// A monitor may use any host name or address.
	for _, host := range []string{"10.1.2.3:8080", "stella.internal", "[2001:db8::1]", "_"} {
		if code, body := s.get("/readyz", "Host", host); code != 200 {
			t.Errorf("/readyz of %s: %d %q", host, code, body)
		}
	}
	if code, body := s.get("/spid/metadata"); code != 200 || !strings.Contains(body, "EntityDescriptor") {
		t.Errorf("the metadata: %d %.100s", code, body)
	}
	if code, body := s.get("/api/v1/openapi.json"); code != 200 || !strings.Contains(body, `"openapi": "3.1.0"`) {
		t.Errorf("the API: %d %.100s", code, body)
	}
	if code, body := s.get("/api/v1/nothing"); code != 404 || !strings.Contains(body, "there is nothing at this path") {
		t.Errorf("an unknown path of the API: %d %.100s", code, body)
	}
	if code, body := s.get("/"); code != 200 || !strings.Contains(body, c.WebmailURL) {
		t.Errorf("the first page: %d %.100s", code, body)
	}
	for fields, code := range map[int]int{50: 403, 100: 400} {
		answer, err := http.Post("http://"+s.addr+"/spid/acs", "application/x-www-form-urlencoded",
			strings.NewReader(strings.Repeat("a=b&", fields)))
		storetest.Must(t, err)
		answer.Body.Close()
		if answer.StatusCode != code {
			t.Errorf("a form of %d fields: status %d, want %d", fields, answer.StatusCode, code)
		}
	}
	if log := s.log(); !strings.Contains(log, "private PostgreSQL in "+c.Dir) {
		t.Errorf("the log does not name the database: %s", log)
	}

	// The operator's commands use the PostgreSQL of the service.
	dir := []string{"STELLA_DIR=" + c.Dir}
	mailboxes := programtest.File(t, "m.csv", []byte(header+"anna.neri@pec.example,person,Anna Neri,NRENNA80A41H501T,,anna.neri@mail.example,active\n"))
	stella(t, dir, "mailbox", "import", mailboxes).succeeds(t)
	out := stella(t, dir, "client", "add", "webmail", "--domain=pec.example", "--return-url=https://webmail.example/").succeeds(t)
	token := strings.Split(out, "\n")[1]
	if code, body := s.get("/api/v1/mailboxes/anna.neri@pec.example", "Authorization", "Bearer "+token); code != 200 ||
		!strings.Contains(body, `"show":"banner"`) {
		t.Errorf("%d %s", code, body)
	}
	// A second service on the same data is refused: the PostgreSQL stops with the first.
	other := stella(t, append(programtest.Environ(c), dir...), "serve")
	if other.status != 1 || !strings.Contains(other.err, "stella: another stella runs on the data in "+c.Dir) {
		t.Errorf("a second service: %+v", other)
	}

	// After SIGTERM, open requests are finished and no new ones accepted.
	conn, err := net.Dial("tcp", s.addr)
	storetest.Must(t, err)
	defer conn.Close()
	body := `{"mailbox":"anna.neri@pec.example","return_url":"https://webmail.example/"}`
	fmt.Fprintf(conn, "POST /api/v1/handoffs HTTP/1.1\r\nHost: id.example\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", token, len(body))
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("%q, %v", line, err)
	}
	answers.ReadString('\n')
	storetest.Must(t, s.Process.Signal(syscall.SIGTERM))
	// The listener closes after a load balancer has received several failures.
	balancer := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	storetest.Eventually(t, "connections are refused", func() bool {
		answer, err := balancer.Get("http://" + s.addr + "/readyz")
		if err != nil {
			return true
		}
		answer.Body.Close()
		return false
	})
	io.WriteString(conn, body)
	answer, err := http.ReadResponse(answers, nil)
	storetest.Must(t, err)
	if answer.StatusCode != http.StatusCreated {
		t.Errorf("the open request: %s", answer.Status)
	}
	s.waitForExit()
	if log := s.log(); !strings.Contains(log, "finishing what is in flight") || strings.Contains(log, token) ||
		strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("the log:\n%s", log)
	}
	// The data are kept.
	if out := stella(t, dir, "mailbox", "list").succeeds(t); !strings.Contains(out, "anna.neri@pec.example") {
		t.Errorf("%s", out)
	}
}

func TestServeWithDatabaseURL(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	c.URL = storetest.URL(t)
	s := startService(t, c)
	if code, body := s.get("/readyz"); code != 200 {
		t.Errorf("%d %s", code, body)
	}
	storetest.Must(t, s.Process.Signal(syscall.SIGINT))
	s.waitForExit()
}

// The settings of the logins reach the pages.
func TestServeWithCIELogosAndCollaudo(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	programtest.WithCIE(t)(&c)
	c.URL, c.Collaudo, c.LogosDir = storetest.URL(t), "true", t.TempDir()
	storetest.Must(t, os.WriteFile(c.LogosDir+"/idp.example.svg", []byte("<svg/>"), 0o644))
	s := startService(t, c)
	for path, want := range map[string]string{"/cie/metadata": "https://id.example/cie/acs", "/loghi/idp.example.svg": "<svg/>",
		"/readyz": `"identity_providers":2`} {
		if code, body := s.get(path); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.200s", path, code, body)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.addr+"/spid/collaudo?idp=https://idp.example", nil)
	storetest.Must(t, err)
	answer, err := http.DefaultTransport.RoundTrip(r)
	storetest.Must(t, err)
	answer.Body.Close()
	if to := answer.Header.Get("Location"); answer.StatusCode != 302 || !strings.HasPrefix(to, "https://idp.example/") {
		t.Errorf("a test login: %s to %.60s", answer.Status, to)
	}
	s.interrupt()
	c.Collaudo = "false"
	s = startService(t, c)
	if code, _ := s.get("/spid/collaudo?idp=https://idp.example"); code != 404 {
		t.Errorf("a test login that is not configured: %d", code)
	}
	s.interrupt()
}

func TestServeReportsAllProblems(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	c.PublicURL, c.SMTPURL, c.SPIDKeyFile, c.ArchiveRecipient = "http://id.example", "relay", "/nonexistent/key", ""
	stella(t, programtest.Environ(c), "serve").fails(t, 1, `the configuration has 4 problems:
STELLA_PUBLIC_URL: "http://id.example": plain http is for loopback only
STELLA_SMTP_URL: want smtp://relay.example:587 or smtps://relay.example:465
STELLA_SPID_KEY_FILE: open /nonexistent/key: no such file or directory
STELLA_ARCHIVE_RECIPIENT is missing`)
	if r := stella(t, nil, "serve"); r.status != 1 || !strings.HasPrefix(r.err, "stella: the configuration has 22 problems:\n") {
		t.Errorf("%+v", r)
	}

	inUse, err := net.Listen("tcp", "127.0.0.1:0")
	storetest.Must(t, err)
	defer inUse.Close()
	c = programtest.GoodConfig(t)
	c.URL, c.Listen = storetest.URL(t), inUse.Addr().String()
	if r := stella(t, programtest.Environ(c), "serve"); r.status != 1 || !strings.Contains(r.err, c.Listen) ||
		!strings.Contains(r.err, "address already in use") {
		t.Errorf("a port in use: %+v", r)
	}
}

// The sample contract must be requested with a flag, and is logged.
func TestServeWithASampleContract(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	c.URL, c.ContractDir = storetest.URL(t), ""
	stella(t, programtest.Environ(c), "serve").fails(t, 1, "STELLA_CONTRACT_DIR is missing")
	s := startCommand(t, program(t, programtest.Environ(c), "serve", "--sample-contract"))
	s.waitForLog("the contract notice is a sample")
	s.interrupt()
}

// SIGHUP, from a closed terminal or an attempt to reload, stops the service in order.
func TestSIGHUPStopsTheService(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	c.URL = storetest.URL(t)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // if the tests run under nohup, the service would ignore SIGHUP too
	defer signal.Stop(hangups)
	s := startService(t, c)
	storetest.Must(t, s.Process.Signal(syscall.SIGHUP))
	s.waitForExit()
	if log := s.log(); strings.Count(log, "stopping: finishing what is in flight") != 1 || !strings.Contains(log, `"msg":"stopped"`) {
		t.Errorf("%s", log)
	}
}

// All commands check their values for quotes, which Docker's --env-file keeps.
func TestQuotedValuesAreReported(t *testing.T) {
	t.Parallel()
	for variable, command := range map[string]string{
		"STELLA_DATABASE_URL":            "client list",
		"STELLA_OPERATOR":                "qualification approve x --reason=x",
		"STELLA_ORGANIZATION_LOCALITY":   "spid keygen",
		"STELLA_ORGANIZATION_VAT_NUMBER": "spid metadata",
	} {
		env := []string{variable + "='hush'", "STELLA_DIR=" + t.TempDir()}
		stella(t, env, strings.Fields(command)...).fails(t, 1, variable+
			": begins and ends with the quote ', which would be part of the value: remove them")
	}
}
