package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"stella/mail/mailtest"
)

// An inbox reads the mails that the relay has stored.
type inbox struct {
	dir string

	mu    sync.Mutex
	read  map[string]bool    // names of files that were read
	by    map[string][]*mail // by recipient group, in the order of arrival
	wrong []string           // files that cannot be read
}

// A mail is one copy of a mail in the relay's inbox.
type mail struct {
	delivery
	id   string // local part of the Message-ID, which is the ID of the row
	code string // empty if it contains none
	link string // secret of an invitation link, or empty
}

func openInbox(dir string) *inbox {
	return &inbox{dir: dir, read: map[string]bool{}, by: map[string][]*mail{}}
}

// refresh reads new files.
func (i *inbox) refresh() {
	files, _ := filepath.Glob(filepath.Join(i.dir, "*.json"))
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, file := range files { // sorted by name, and so by time
		if i.read[file] {
			continue
		}
		i.read[file] = true
		m, err := readMail(file)
		if err != nil {
			i.wrong = append(i.wrong, fmt.Sprintf("%s: %v", file, err))
			continue
		}
		at := recipientGroup(m.To)
		i.by[at] = append(i.by[at], m)
	}
}

// watch reads new files until ctx ends.
func (i *inbox) watch(ctx context.Context) {
	for ctx.Err() == nil {
		i.refresh()
		pause(ctx, 30*time.Millisecond)
	}
}

// recipientGroup returns the address without the part before the last dot of its
// local part. All addresses of one mailbox are in one group: for example
// altra1.casella0@mail.example is in the group casella0@mail.example.
func recipientGroup(address string) string {
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	return local[strings.LastIndex(local, ".")+1:] + "@" + domain
}

// newest returns the wanted mail to the recipient group of an address that was
// requested last, or nil. A duplicate of an older mail may have arrived later.
func (i *inbox) newest(to string, wanted func(*mail) bool) *mail {
	i.mu.Lock()
	defer i.mu.Unlock()
	var found *mail
	for _, m := range i.by[recipientGroup(to)] {
		if wanted(m) && (found == nil || m.id > found.id) { // IDs (UUIDv7) sort by time
			found = m
		}
	}
	return found
}

// all returns every copy of every mail.
func (i *inbox) all() []*mail {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []*mail
	for _, mails := range i.by {
		all = append(all, mails...)
	}
	slices.SortFunc(all, func(a, b *mail) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	return all
}

// asked returns when the mail was requested, which its ID contains.
func (m *mail) asked() time.Time {
	id, err := uuid.Parse(m.id)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(id.Time().UnixTime())
}

func hasLink(m *mail) bool { return m.link != "" }

var (
	codeLine = regexp.MustCompile(`(?m)^(\d{6})$`)
	linkLine = regexp.MustCompile(`/invito/([\w-]+)`)
)

func readMail(file string) (*mail, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m := &mail{}
	if err := json.Unmarshal(content, &m.delivery); err != nil {
		return nil, err
	}
	parsed := mailtest.ReadMessage(m.Message)
	m.id, _, _ = strings.Cut(strings.Trim(parsed.Header("Message-Id"), "<>"), "@")
	if m.id == "" || parsed.Text == "" {
		return nil, fmt.Errorf("a mail without an ID or a text: %s", parsed.Subject)
	}
	if found := codeLine.FindStringSubmatch(parsed.Text); found != nil {
		m.code = found[1]
	}
	if found := linkLine.FindStringSubmatch(parsed.Text); found != nil {
		m.link = found[1]
	}
	return m, nil
}
