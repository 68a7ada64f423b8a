package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// leaks searches for secrets in a dump of the database, in the logs of all processes
// and in the metrics. In logs and metrics it also searches for personal data.
func leaks(ctx context.Context, o *observations) (n int, broken []string, err error) {
	hidden := o.world.recorder.secrets()
	for _, m := range o.world.inbox.all() {
		if m.code != "" {
			hidden[m.code] = "a code"
		}
		if m.link != "" {
			hidden[m.link] = "the secret of an invitation"
		}
	}
	dump, err := o.world.primary().dump(ctx)
	if err != nil {
		return 0, nil, err
	}
	broken = hidden.search("the database", dump)
	personal := maps.Clone(hidden)
	for _, p := range o.world.people {
		personal[p.code], personal[p.family] = "a fiscal code", "a name"
	}
	for _, m := range o.world.mailboxes {
		personal[m.address], personal[m.email] = "a certified mailbox", "an address"
	}
	logs, err := filepath.Glob(o.world.file("*.log"))
	if err != nil {
		return 0, nil, err
	}
	for _, file := range logs {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, nil, err
		}
		broken = append(broken, personal.search(filepath.Base(file), text)...)
		for _, sign := range []string{"SAMLResponse", "<saml", "DATA RACE", "panic", "fatal error"} {
			if bytes.Contains(text, []byte(sign)) {
				broken = append(broken, fmt.Sprintf("%s contains %q", filepath.Base(file), sign))
			}
		}
	}
	for _, i := range o.world.instances {
		text, err := i.get(ctx, i.metrics, "/metrics")
		if err != nil {
			return 0, nil, err
		}
		broken = append(broken, personal.search("the metrics of "+i.name, sample.ReplaceAll(text, []byte("$1")))...)
	}
	return len(personal), broken, nil
}

// Secrets are values that must not be found, each with a description.
type secrets map[string]string

// search returns a message for each line of a text that contains a secret.
func (s secrets) search(where string, text []byte) []string {
	found := map[string]bool{}
	for line := range bytes.Lines(text) {
		if len(s.in(line)) == 0 {
			continue
		}
		line = notSecret.ReplaceAll(bytes.TrimSpace(line), nil)
		for _, what := range s.in(line) {
			found[fmt.Sprintf("%s contains %s: %.300s", where, what, line)] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// in returns the descriptions of the secrets that a line contains as whole words: a
// code can occur by chance within a longer number.
func (s secrets) in(line []byte) (all []string) {
	for word := range bytes.FieldsFuncSeq(line, separates) {
		for _, word := range [][]byte{word, bytes.Trim(word, ".@-+")} {
			if what, is := s[string(word)]; is {
				all = append(all, what)
			}
		}
	}
	return all
}

// separates reports whether a rune separates words. An address is one word, and so
// is a text in base64url.
func separates(r rune) bool {
	return !(strings.ContainsRune("_@.+-", r) || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z')
}

var (
	// notSecret matches digits that are not a code: durations, times, process and
	// job IDs, and positions in PostgreSQL's WAL.
	notSecret = regexp.MustCompile(`"duration":\d+|PID \d+|\d\d:\d\d:\d\d\.\d+|river_job_id=\d+|\b[0-9A-F]+/[0-9A-F]+\b`)
	// sample matches a line of the metrics. Only the name and the labels are
	// searched, because a value can be any number.
	sample = regexp.MustCompile(`(?m)^(\w+(?:\{.*\})?) \S+$`)
)
