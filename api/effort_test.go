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
)

// The API asks the database the same for a mailbox of others as for one that does
// not exist, and gets as much back. So the time that an answer takes does not say
// which of the two it is.
func TestKnownAndUnknownMailboxesTakeTheSameWork(t *testing.T) {
	w := newWorld(t)
	const qualified, invited, unknown = "a.known@pec.example", "b.known@pec.example", "c.other@pec.example"
	w.RecordAs(t, qualified, storetest.AnnasRecord).To(workflow.Qualified)
	w.RecordAs(t, invited, storetest.AnnasRecord).To(workflow.Invited)
	other := w.addClient("other", "altrove.example", workflow.ScopeWebmail)
	talk := &conversation{}
	watched := w.Another()
	watched.Store = talk.with(t, w.Store)
	h := handler(watched, w.log)
	for _, c := range []struct {
		method, path string
		body         func(string) string
	}{
		{"GET", "/api/v1/mailboxes/", func(string) string { return "" }},
		{"POST", handoffs, func(mailbox string) string { return handOff(mailbox, storetest.ReturnURL) }},
	} {
		said := map[string]string{}
		for range 3 { // the first time it prepares its statements
			for _, mailbox := range []string{qualified, invited, unknown} {
				path := c.path
				if c.method == "GET" {
					path += mailbox
				}
				talk.forget()
				if a := call(t, h, c.method, path, c.body(mailbox), "Authorization", "Bearer "+other); a.Code != 404 {
					t.Fatalf("%d %s", a.Code, a.text)
				}
				said[mailbox] = talk.String()
			}
		}
		if said[unknown] == "" || said[qualified] != said[unknown] || said[invited] != said[unknown] {
			t.Errorf("%s: the messages are %q for a mailbox with a star, %q for one that is invited, and %q for one that does not exist",
				c.method, said[qualified], said[invited], said[unknown])
		}
	}
}

// A conversation is what a program and PostgreSQL say to each other: the type of
// each message, and how long it is.
type conversation struct {
	mu             sync.Mutex
	asked, replied bytes.Buffer
}

// with opens the database of a store once more, through a socket that listens in.
func (c *conversation) with(t *testing.T, s *store.Store) *store.Store {
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
			go c.pass(server, program, &c.asked, true) // the first message has no type
			go c.pass(program, server, &c.replied, false)
		}
	}()
	watched, err := store.Open(t.Context(), "postgres://postgres@/"+config.Database+"?pool_max_conns=1&host="+dir, nil)
	storetest.Must(t, err)
	t.Cleanup(watched.Close)
	return watched
}

// pass passes messages on, and notes their types and sizes.
func (c *conversation) pass(to io.WriteCloser, from io.Reader, note *bytes.Buffer, untyped bool) {
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
		note.Write(head)
		c.mu.Unlock()
		if _, err := to.Write(head); err != nil {
			return
		}
		if _, err := io.CopyN(to, from, int64(binary.BigEndian.Uint32(head[len(head)-4:]))-4); err != nil {
			return
		}
	}
}

func (c *conversation) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked.Reset()
	c.replied.Reset()
}

func (c *conversation) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join([]string{c.asked.String(), c.replied.String()}, "\n")
}
