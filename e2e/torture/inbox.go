package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// An inbox reads what the relay keeps, as its recipients do.
type inbox struct {
	dir string

	mu    sync.Mutex
	read  map[string]bool    // files
	by    map[string][]*mail // by household, in the order in which they were taken
	wrong []string           // files that cannot be read
}

// A mail is one copy of a mail, as it was taken.
type mail struct {
	delivery
	id   string // the Message-ID's first part, which is the row's
	code string // if it brings one
	link string // the secret of an invitation's, if it brings one
}

func openInbox(dir string) *inbox {
	return &inbox{dir: dir, read: map[string]bool{}, by: map[string][]*mail{}}
}

// refresh reads the files that are new.
func (i *inbox) refresh() {
	files, _ := filepath.Glob(filepath.Join(i.dir, "*.json"))
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, file := range files { // in the order of their names, which begin with the time
		if i.read[file] {
			continue
		}
		i.read[file] = true
		m, err := readMail(file)
		if err != nil {
			i.wrong = append(i.wrong, fmt.Sprintf("%s: %v", file, err))
			continue
		}
		at := household(m.To)
		i.by[at] = append(i.by[at], m)
	}
}

// watch keeps up with the relay until ctx ends.
func (i *inbox) watch(ctx context.Context) {
	for ctx.Err() == nil {
		i.refresh()
		pause(ctx, 30*time.Millisecond)
	}
}

// household is the address without what stands before the last dot of its first
// part: people of one mailbox write to themselves at several addresses.
func household(address string) string {
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	return local[strings.LastIndex(local, ".")+1:] + "@" + domain
}

// newest returns the mail to the household of an address that was asked for
// last, among those wanted; nil if there is none. A repeated one may have come
// later.
func (i *inbox) newest(to string, wanted func(*mail) bool) *mail {
	i.mu.Lock()
	defer i.mu.Unlock()
	var found *mail
	for _, m := range i.by[household(to)] {
		if wanted(m) && (found == nil || m.id > found.id) { // the ids of later mails sort later
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

// asked is when the mail was asked for, which its id tells.
func (m *mail) asked() time.Time {
	id, err := uuid.Parse(m.id)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(id.Time().UnixTime())
}

func hasLink(m *mail) bool { return m.link != "" }

var (
	codeLine = regexp.MustCompile(`(?m)^(\d{6})\r?$`)
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
	parsed, err := netmail.ReadMessage(bytes.NewReader(m.Message))
	if err != nil {
		return nil, err
	}
	id, _, _ := strings.Cut(strings.Trim(parsed.Header.Get("Message-ID"), "<>"), "@")
	m.id = id
	text, err := plainText(parsed)
	if err != nil {
		return nil, err
	}
	if found := codeLine.FindStringSubmatch(text); found != nil {
		m.code = found[1]
	}
	if found := linkLine.FindStringSubmatch(text); found != nil {
		m.link = found[1]
	}
	return m, nil
}

// plainText returns the text part of a mail, which is its first.
func plainText(m *netmail.Message) (string, error) {
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	part, err := multipart.NewReader(m.Body, params["boundary"]).NextRawPart()
	if err != nil {
		return "", err
	}
	var r io.Reader = part
	if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		r = quotedprintable.NewReader(part)
	}
	text, err := io.ReadAll(r)
	return string(text), err
}
