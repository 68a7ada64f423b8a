package api_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// For a mailbox of another client and for one that does not exist, the API sends the
// same queries to the database and gets results of the same size. So the response
// time does not reveal whether a mailbox exists.
func TestForeignAndUnknownMailboxesCauseTheSameQueries(t *testing.T) {
	w := newWorld(t)
	const qualified, invited, unknown = "a.known@pec.example", "b.known@pec.example", "c.other@pec.example"
	w.RecordAs(t, qualified, storetest.AnnasRecord).AdvanceTo(qualification.Qualified)
	w.RecordAs(t, invited, storetest.AnnasRecord).AdvanceTo(qualification.Invited)
	other := w.addClient("other", "altrove.example", workflow.ScopeWebmail)
	wire := &traffic{}
	h := handler(wire.watch(t, w.World.Store), w.Clock.Now, w.log)
	for _, c := range []struct {
		method, path string
		body         func(string) string
	}{
		{"GET", "/api/v1/mailboxes/", func(string) string { return "" }},
		{"POST", handoffs, func(mailbox string) string { return handOff(mailbox, storetest.ReturnURL) }},
	} {
		messages := map[string]string{}
		for range 3 { // the first round also prepares the statements
			for _, mailbox := range []string{qualified, invited, unknown} {
				path := c.path
				if c.method == "GET" {
					path += mailbox
				}
				wire.reset()
				if a := call(t, h, c.method, path, c.body(mailbox), "Authorization", "Bearer "+other); a.Code != 404 {
					t.Fatalf("%d %s", a.Code, a.text)
				}
				messages[mailbox] = wire.String()
			}
		}
		if messages[unknown] == "" || messages[qualified] != messages[unknown] || messages[invited] != messages[unknown] {
			t.Errorf("%s: the messages are %q for a qualified mailbox, %q for an invited one, and %q for one that does not exist",
				c.method, messages[qualified], messages[invited], messages[unknown])
		}
	}
}

// traffic records the type and the length of each message between a program and
// PostgreSQL.
type traffic struct {
	mu             sync.Mutex
	sent, received bytes.Buffer
}

// watch opens the database of a store again, through a socket that records the
// messages.
func (c *traffic) watch(t *testing.T, s *store.Store) *store.Store {
	t.Helper()
	config := s.Pool().Config().ConnConfig
	dir, err := os.MkdirTemp("", "stella-api-") // t.TempDir is too long for a socket
	storetest.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	const socket = ".s.PGSQL.5432"
	l, err := net.Listen("unix", filepath.Join(dir, socket))
	storetest.Must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			program, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", filepath.Join(config.Host, socket))
			if err != nil {
				t.Error(err)
				return
			}
			go c.forward(server, program, &c.sent, true) // the first message has no type
			go c.forward(program, server, &c.received, false)
		}
	}()
	watched, err := store.Open(t.Context(), "postgres://postgres@/"+config.Database+"?pool_max_conns=1&host="+dir, nil)
	storetest.Must(t, err)
	t.Cleanup(watched.Close)
	return watched
}

// forward forwards messages and records their types and lengths.
func (c *traffic) forward(to io.WriteCloser, from io.Reader, record *bytes.Buffer, untyped bool) {
	defer to.Close()
	for ; ; untyped = false {
		head := make([]byte, 5)
		if untyped {
			head = head[:4]
		}
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		c.mu.Lock()
		record.Write(head)
		c.mu.Unlock()
		if _, err := to.Write(head); err != nil {
			return
		}
		if _, err := io.CopyN(to, from, int64(binary.BigEndian.Uint32(head[len(head)-4:]))-4); err != nil {
			return
		}
	}
}

func (c *traffic) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent.Reset()
	c.received.Reset()
}

func (c *traffic) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join([]string{c.sent.String(), c.received.String()}, "\n")
}
