package middleware

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stella/store/storetest"
)

// testLog is a log of requests with its text and its counts by reason.
type testLog struct {
	requestLog
	text    storetest.Log
	counted map[string]int
}

func newTestLog() *testLog {
	l := &testLog{counted: map[string]int{}}
	l.Logger = slog.New(slog.NewTextHandler(&l.text, nil))
	l.refused = func(reason string) { l.counted[reason]++ }
	return l
}

// serve logs one request. If reason is not empty, its handler refuses it.
func (l *testLog) serve(status int, reason, client string, err error) {
	i := newInfo(netip.MustParseAddr("192.0.2.7"))
	r := httptest.NewRequest("GET", "/", nil)
	r = r.WithContext(context.WithValue(r.Context(), key{}, i))
	if reason != "" {
		Refuse(r.Context(), reason, err)
	}
	if client != "" {
		By(r.Context(), client)
	}
	l.served(r, i, status, time.Millisecond)
}

func TestARefusedRequestIsLoggedWithClientAndAddress(t *testing.T) {
	t.Parallel()
	l := newTestLog()
	l.serve(200, "", "webmail", nil)
	l.serve(403, "scope", "webmail", nil)
	l.serve(403, "answer", "", errors.New("the signature is wrong"))
	lines := strings.Split(strings.TrimSpace(l.text.String()), "\n")
	for i, want := range []string{
		"level=INFO msg=served",
		"level=WARN msg=refused",
		"level=WARN msg=refused",
	} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("%s, want %s", lines[i], want)
		}
	}
	if strings.Contains(lines[0], "192.0.2.7") {
		t.Errorf("a request that is not refused is logged with its address: %s", lines[0])
	}
	if want := "status=403 duration=1ms reason=scope address=192.0.2.7 client=webmail"; !strings.HasSuffix(lines[1], want) {
		t.Errorf("%s, want %s", lines[1], want)
	}
	if want := `reason=answer address=192.0.2.7 error="the signature is wrong"`; !strings.HasSuffix(lines[2], want) {
		t.Errorf("%s, want %s", lines[2], want)
	}
	if l.counted["scope"] != 1 || l.counted["answer"] != 1 || len(l.counted) != 2 {
		t.Errorf("counted %v", l.counted)
	}
}

// At most 100 refused requests are logged in a minute, and one line with the
// number of the others.
func TestTheLogOfRefusedRequestsIsLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newTestLog()
		lines := func() int { return strings.Count(l.text.String(), "msg=refused") }
		for range 1000 {
			l.serve(401, "unknown_token", "", nil)
		}
		l.serve(200, "", "", nil)
		if lines() != 100 || strings.Count(l.text.String(), "msg=served") != 1 {
			t.Errorf("%d lines of refused requests", lines())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !strings.HasSuffix(l.text.String(), `level=WARN msg="refused requests were left out of the log" count=900`+"\n") {
			t.Errorf("the end of the log is %s", l.text.String())
		}
		l.serve(401, "unknown_token", "", nil)
		if lines() != 101 {
			t.Errorf("%d lines a minute later", lines())
		}
		if l.counted["unknown_token"] != 1001 {
			t.Errorf("counted %v", l.counted)
		}
	})
}
