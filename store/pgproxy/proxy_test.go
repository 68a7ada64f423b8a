package pgproxy_test

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"stella/store/pgproxy"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A round trip is a request after an answer, however many packets they have.
func TestProxyCountsRoundTrips(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	must(t, err)
	defer server.Close()
	go func() { // answers each line of three letters
		c, err := server.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		b := make([]byte, 3)
		for {
			if _, err := io.ReadFull(c, b); err != nil {
				return
			}
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	}()
	p, err := pgproxy.New("postgres:///postgres?host="+dir+"&port=5432", 10*time.Millisecond)
	must(t, err)
	defer p.Close()
	u, err := p.URL("postgres:///postgres")
	must(t, err)
	address, err := url.Parse(u)
	must(t, err)
	c, err := net.Dial("tcp", address.Host)
	must(t, err)
	defer c.Close()
	begun := time.Now()
	for range 4 {
		for _, part := range []string{"a", "bc"} {
			_, err := c.Write([]byte(part))
			must(t, err)
			time.Sleep(time.Millisecond)
		}
		_, err := io.ReadFull(c, make([]byte, 3))
		must(t, err)
	}
	if p.RoundTrips() != 4 {
		t.Errorf("%d round trips were counted, want 4", p.RoundTrips())
	}
	if took := time.Since(begun); took < 40*time.Millisecond {
		t.Errorf("four round trips took %v, with 10 ms each", took)
	}
}
